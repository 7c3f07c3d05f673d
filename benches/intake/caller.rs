//! The measuring stick of deliveries: the client that the gateway uses, calling the same provider in a plain loop.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::provider::TAG;

/// Calls for so many seconds with so many calls under way; gives the calls a second.
pub fn run(address: SocketAddr, concurrency: usize, seconds: f64) -> Outcome<f64> {
    tagrelay::providers::outbound::install_tls_provider();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async move {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build()?;
        let from = Instant::now();
        let end = from + Duration::from_secs_f64(seconds);
        let tasks: Vec<_> = (0..concurrency).map(|_| tokio::spawn(call(client.clone(), address, end))).collect();
        let mut calls = 0;
        for task in tasks {
            calls += task.await??;
        }
        Ok(calls as f64 / from.elapsed().as_secs_f64())
    })
}

async fn call(client: reqwest::Client, address: SocketAddr, end: Instant) -> Outcome<u64> {
    let mut calls = 0;
    while Instant::now() < end {
        let url = format!("http://{address}/helpcrunch/v1/customers/{}/tags", 10_000_000 + calls);
        let request = client.put(url).bearer_auth("sandbox").header("content-type", "application/json");
        let answer = request.body(format!(r#"{{"tags":[{{"name":"{TAG}"}}]}}"#)).send().await?;
        answer.bytes().await?;
        calls += 1;
    }
    Ok(calls)
}

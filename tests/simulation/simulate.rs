//! Runs of random schedules, one after the other; one that goes wrong is made shorter and told as a story.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::run::{Counts, Runs};
use crate::schedule::{self, Length, Schedule};

/// Which schedules.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    pub seed: u64,
    /// One of several that run at once.
    pub lane: u64,
    pub schedules: u64,
    pub length: Length,
}

/// Makes runs until one goes wrong, which is told, or all are made. `told` hears of each.
pub fn simulate(wish: Wish, mut told: impl FnMut(Counts)) -> Result<(), String> {
    let Wish { seed, lane, schedules, length } = wish;
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&lane.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let any = schedule::schedules(length);
    // Runs in one database: a new one costs time, and so does starting again with what earlier runs have left.
    let a_file = if length == Length::Short { 8 } else { 1 };
    let mut runs = Runs::from(0);
    for n in 0..schedules {
        if n % a_file == 0 {
            runs = Runs::from(0);
        }
        let mut tree = any.new_tree(&mut runner).expect("a schedule");
        match runs.run(&tree.current()) {
            Ok(counts) => told(counts),
            Err(why) => {
                let (why, schedule) = shorten(&mut tree, &why, (n % a_file) as usize);
                return Err(format!("schedule {n} of seed {seed}, lane {lane}: {why}\n{schedule}"));
            }
        }
    }
    Ok(())
}

/// The shortest run that still goes wrong, each in a database of its own.
fn shorten(tree: &mut impl ValueTree<Value = Schedule>, why: &str, number: usize) -> (String, Schedule) {
    let mut worst = match Runs::from(number).run(&tree.current()) {
        Err(why) => (why, tree.current()),
        Ok(_) => return (format!("{why} (only after the runs before it)"), tree.current()),
    };
    for _ in 0..4_000 {
        let shorter = match Runs::from(number).run(&tree.current()) {
            Err(why) => {
                worst = (why, tree.current());
                tree.simplify()
            }
            Ok(_) => tree.complicate(),
        };
        if !shorter {
            break;
        }
    }
    worst
}

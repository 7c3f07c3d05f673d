//! Computing with numbers: whole ones stay exact while they fit, fractions are doubles.

use super::ExprFault;
use super::ast::Arithmetic;
use crate::domain::value::Number;

/// The result of `a operator b`.
pub fn compute(operator: Arithmetic, a: &Number<'_>, b: &Number<'_>) -> Result<Number<'static>, ExprFault> {
    if matches!(operator, Arithmetic::Divide | Arithmetic::Remainder) && b.to_f64() == 0.0 {
        return Err(ExprFault::new("a division by zero"));
    }
    if let Some(whole) = exactly(operator, a, b) {
        return Ok(Number::Int(whole));
    }
    let (a, b) = (a.to_f64(), b.to_f64());
    let double = match operator {
        Arithmetic::Add => a + b,
        Arithmetic::Subtract => a - b,
        Arithmetic::Multiply => a * b,
        Arithmetic::Divide => a / b,
        Arithmetic::Remainder => a % b,
    };
    if double.is_finite() { Ok(Number::from_f64(double)) } else { Err(ExprFault::new("a number too large")) }
}

/// `None` where the result isn't whole or doesn't fit.
fn exactly(operator: Arithmetic, a: &Number<'_>, b: &Number<'_>) -> Option<i128> {
    let (Number::Int(a), Number::Int(b)) = (a, b) else { return None };
    match operator {
        Arithmetic::Add => a.checked_add(*b),
        Arithmetic::Subtract => a.checked_sub(*b),
        Arithmetic::Multiply => a.checked_mul(*b),
        Arithmetic::Divide => (a.checked_rem(*b)? == 0).then(|| a.checked_div(*b))?,
        Arithmetic::Remainder => a.checked_rem(*b),
    }
}

/// `-a`
pub fn negate(a: &Number<'_>) -> Result<Number<'static>, ExprFault> {
    compute(Arithmetic::Subtract, &Number::Int(0), a)
}

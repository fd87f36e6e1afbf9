//! t
use crate::support::*;
#[test]
fn sizes() {
    let mut jar = jar();
    println!("instance {}", size_of::<belljar::Instance>());
    let f = jar.eval_async("1");
    println!("eval_async {}", size_of_val(&f));
    drop(f);
    let f = jar.step_async("1");
    println!("step_async {}", size_of_val(&f));
    drop(f);
}

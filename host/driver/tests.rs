//! Tests of the driver. Times are plain numbers.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]

use belljar_abi::{Level, Send, Shape};

use super::mail::{MESSAGE_BYTES, REJECTIONS_PER_CALL};
use super::*;
use crate::reply::RpcError;
use crate::value::Value;

const MS: Nanos = 1_000_000;

fn driver(limits: Limits) -> Driver {
    let mut driver = Driver::new(limits);
    driver.begin(0);
    driver
}

fn cpu_limit(ms: u64) -> Limits {
    Limits { cpu_time: Duration::from_millis(ms), ..Limits::default() }
}

#[test]
fn the_cpu_budget_is_one_sum_over_all_segments() {
    let mut driver = driver(cpu_limit(10));
    for segment in 0..2 {
        driver.resume(segment * 100 * MS);
        assert!(!driver.check(segment * 100 * MS + 4 * MS, false));
        driver.tick(segment * 100 * MS + 4 * MS, 0, (segment + 1) * 4 * MS);
        driver.poll(segment * 100 * MS + 4 * MS, false, (segment + 1) * 4 * MS, true);
        driver.pause(segment * 100 * MS + 4 * MS);
    }
    driver.resume(300 * MS);
    assert!(!driver.check(301 * MS, false));
    assert!(driver.check(302 * MS, false));
    assert_eq!(driver.stopped(), Some(&Stop::Limit(LimitKind::CpuTime)));
}

#[test]
fn time_in_which_others_had_the_processor_is_not_the_guests() {
    let mut driver = driver(cpu_limit(10));
    driver.resume(0);
    driver.tick(MS, 500 * MS, 0);
    assert!(!driver.is_tick_due(MS + MS / 2));
    assert!(driver.is_tick_due(60 * MS));
    driver.tick(60 * MS, 502 * MS, 0);
    assert!(!driver.check(60 * MS, false));
    driver.tick(61 * MS, 509 * MS, 0);
    assert!(driver.check(61 * MS, false));
}

#[test]
fn time_that_no_slice_can_have_taken_is_not_the_guests() {
    let mut driver = driver(cpu_limit(10));
    for segment in 0..5 {
        driver.resume(segment * 100 * MS);
        driver.pause(segment * 100 * MS + 50 * MS);
    }
    driver.resume(500 * MS);
    driver.tick(550 * MS, 0, 0);
    assert!(!driver.check(550 * MS, false));
    driver.pause(550 * MS);
    // Time that its fuel pays for is charged.
    driver.resume(600 * MS);
    driver.tick(650 * MS, 0, 20 * MS);
    assert!(driver.check(650 * MS, false));
}

#[test]
fn waiting_counts_for_the_wall_and_not_for_the_cpu() {
    let mut driver = driver(Limits { wall_time: Duration::from_millis(50), ..cpu_limit(10) });
    driver.resume(0);
    driver.pause(5 * MS);
    assert!(!driver.check(49 * MS, false));
    assert!(driver.check(50 * MS, false));
    assert_eq!(driver.stopped(), Some(&Stop::Limit(LimitKind::WallTime)));
}

#[test]
fn a_clock_that_goes_backwards_breaks_nothing_and_gives_no_time_back() {
    let mut driver = driver(cpu_limit(10));
    driver.resume(100 * MS);
    driver.tick(108 * MS, 50 * MS, 8 * MS);
    driver.tick(3 * MS, 2 * MS, 0);
    driver.tick(4 * MS, MS, 0);
    assert!(!driver.check(2 * MS, false));
    driver.pause(0);
    driver.resume(200 * MS);
    assert!(driver.check(202 * MS, false));
    assert_eq!(driver.stopped(), Some(&Stop::Limit(LimitKind::CpuTime)));
    driver.end(0);
    assert!(driver.totals().1.cpu_time >= Duration::from_millis(8));
}

#[test]
fn a_guest_that_does_not_unwind_has_a_few_slices_to_do_so() {
    let mut driver = driver(cpu_limit(1));
    driver.resume(0);
    assert_eq!(driver.poll(0, false, 0, true), Order::GoOn);
    for _ in 0..SLICES_TO_UNWIND {
        assert_eq!(driver.poll(2 * MS, false, 0, true), Order::Unwind);
        assert_eq!(driver.poll(2 * MS, false, 0, false), Order::Unwind);
    }
    assert_eq!(driver.poll(3 * MS, false, 0, true), Order::Kill);
}

#[test]
fn a_busy_guest_yields_every_fifth_of_a_millisecond_where_it_may() {
    for may_yield in [false, true] {
        let mut driver = driver(Limits::default());
        if may_yield {
            driver.allow_yield();
        }
        driver.resume(0);
        let yields = (0..100).filter(|at| {
            let order = driver.poll(at * MS / 10, false, 0, true);
            assert_eq!(order == Order::Yield, driver.take_gives_way());
            order == Order::Yield
        });
        let yields = yields.count();
        assert_eq!(yields, if may_yield { 49 } else { 0 });
    }
}

#[test]
fn a_busy_guest_stops_to_have_its_lines_printed() {
    let mut driver = driver(Limits::default());
    assert!(!driver.send(Send::Console as u32, Level::Log as u32, b"still here"));
    assert_eq!(driver.poll(0, false, 0, false), Order::GoOn);
    assert_eq!(driver.poll(0, false, 0, true), Order::Yield);
    assert!(!driver.take_gives_way());
    assert!(driver.take_event(false).is_some());
    assert_eq!(driver.poll(0, false, 0, true), Order::GoOn);
}

#[test]
fn the_last_slice_ends_at_the_fuel_limit() {
    let mut driver = driver(Limits { fuel: Some(SLICE + 10), ..Limits::default() });
    assert_eq!(driver.next_slice(0), SLICE);
    assert_eq!(driver.next_slice(SLICE), 11);
    assert_eq!(driver.poll(0, false, SLICE + 10, true), Order::GoOn);
    assert_eq!(driver.poll(0, false, SLICE + 11, true), Order::Unwind);
    assert_eq!(driver.stopped(), Some(&Stop::Limit(LimitKind::Fuel)));
    assert_eq!(driver.next_slice(SLICE + 11), SLICE);
}

#[test]
fn a_chore_has_its_slices_and_no_limits() {
    let mut driver = driver(cpu_limit(0));
    driver.begin_chore(2);
    assert_eq!(driver.poll(MS, true, 0, false), Order::GoOn);
    assert_eq!(driver.poll(MS, true, 0, true), Order::GoOn);
    assert_eq!(driver.poll(MS, true, 0, true), Order::Kill);
    driver.end_chore();
    assert_eq!(driver.poll(MS, true, 0, true), Order::Unwind);
}

#[test]
fn the_first_reason_to_stop_is_the_one_that_is_told() {
    let mut driver = driver(cpu_limit(1));
    assert!(driver.check(0, true));
    driver.resume(0);
    assert!(driver.check(5 * MS, true));
    assert_eq!(driver.stopped(), Some(&Stop::Cancelled));
}

#[test]
fn a_message_is_taken_once_and_whole() {
    let mut driver = driver(Limits::default());
    driver.announce(vec![1, 2, 3]);
    assert_eq!(driver.take(2), None);
    assert!(matches!(driver.stopped(), Some(Stop::Protocol(_))));
    driver.begin(0);
    driver.announce(vec![1, 2, 3]);
    assert_eq!(driver.take(3), Some(vec![1, 2, 3]));
    assert_eq!(driver.take(3), None);
}

#[test]
fn two_results_are_a_breach() {
    let mut driver = driver(Limits::default());
    assert!(!driver.send(Send::Undefined as u32, 0, &[]));
    assert!(driver.send(Send::Undefined as u32, 0, &[]));
}

#[test]
fn a_result_of_an_unknown_shape_is_a_breach() {
    let mut driver = driver(Limits::default());
    assert!(driver.send(Send::Result as u32, Shape::Console as u32 + 1, b"1"));
    assert!(matches!(driver.stopped(), Some(Stop::Protocol(_))));
}

/// Limits with room for this many messages with this many bytes of text.
fn room(messages: u64, text: u64) -> Limits {
    Limits { memory_bytes: messages * MESSAGE_BYTES + text, ..Limits::default() }
}

#[track_caller]
fn assert_full(driver: &Driver) {
    assert_eq!(driver.stopped(), Some(&Stop::Limit(LimitKind::Memory)));
}

#[test]
fn calls_that_wait_hold_no_more_than_the_memory_limit() {
    let mut driver = driver(room(2, 121));
    assert!(!driver.rpc(0, b"m", &[0; 60]));
    assert!(driver.rpc(1, b"m", &[0; 60]));
    assert_full(&driver);
}

#[test]
fn everything_that_the_guest_hands_out_weighs_until_it_is_gone() {
    let line = |driver: &mut Driver| driver.send(Send::Console as u32, Level::Log as u32, &[b' '; 50]);
    let report = |driver: &mut Driver| driver.send(Send::Rejection as u32, 0, &[b' '; 50]);
    for say in [line, report] {
        let mut driver = driver(room(2, 100));
        for _ in 0..10 {
            assert!(!say(&mut driver) && !say(&mut driver));
            assert!(driver.take_event(false).is_some() && driver.take_event(false).is_some());
        }
        assert!(!say(&mut driver) && !driver.rpc(0, b"", &[0; 50]));
        assert!(say(&mut driver), "there is no room for a third");
        assert_full(&driver);
    }
    let mut driver = driver(room(0, 100));
    assert!(!driver.send(Send::Result as u32, Shape::Json as u32, &[b'1'; 100]), "a result that fits");
    driver.begin(0);
    assert!(driver.send(Send::Result as u32, Shape::Json as u32, &[b'1'; 101]));
    assert_full(&driver);
}

#[test]
fn a_reply_takes_the_place_of_its_call_and_weighs_until_the_guest_has_it() {
    let mut driver = driver(room(2, 100));
    let reply = |length: usize| Ok(Value::json("x".repeat(length)));
    for _ in 0..10 {
        assert!(!driver.rpc(0, b"", &[0; 50]));
        let Some((weight, _)) = driver.replied(MESSAGE_BYTES + 50, reply(60)) else { panic!("there is room for it") };
        assert_eq!(weight, MESSAGE_BYTES + 60);
        assert!(!driver.rpc(1, b"", &[0; 40]), "there is room for one beside it");
        driver.answered(weight);
        driver.answered(MESSAGE_BYTES + 40);
    }
    assert!(!driver.rpc(0, b"", &[0; 50]) && !driver.rpc(1, b"", &[0; 50]));
    assert!(driver.replied(MESSAGE_BYTES + 50, reply(51)).is_none());
    assert_full(&driver);
}

#[test]
fn a_synchronous_call_weighs_and_so_does_its_reply() {
    let mut driver = driver(room(1, 100));
    for _ in 0..10 {
        assert!(!driver.rpc_sync(b"", &[0; 100]));
        assert!(driver.take_sync_request().is_some());
        driver.answer_sync(Ok(Value::json("x".repeat(100))));
        assert_eq!(driver.poll_sync(), Some(Ok((true, 100))));
        assert!(driver.take(100).is_some());
    }
    assert!(!driver.rpc_sync(b"", &[0; 100]));
    assert!(driver.take_sync_request().is_some());
    driver.answer_sync(Ok(Value::json("x".repeat(101))));
    assert_full(&driver);
    assert_eq!(driver.poll_sync(), Some(Err(())));
    driver.begin(0);
    assert!(driver.rpc_sync(b"", &[0; 101]));
    assert_full(&driver);
}

#[test]
fn a_reply_counts_as_the_guest_reads_it() {
    let driver = driver(Limits { message_bytes: 1000, ..Limits::default() });
    let error = |character: &str| driver.sized(Err(RpcError::new("c", character.repeat(900)))).err();
    assert_eq!(error("a"), Some(RpcError::new("c", "a".repeat(900))));
    // Each character takes six bytes in the wire form.
    assert!(error("\u{1}").is_some_and(|error| error.code() == LimitKind::Message.code()));
}

#[test]
fn paused_calls_are_in_flight_and_weigh_when_their_call_goes_on() {
    let mut driver = Driver::new(Limits { pending_rpcs: 3, ..room(3, 100) });
    driver.begin_again(0, Spent::default(), (2, 2 * MESSAGE_BYTES + 60));
    assert!(!driver.rpc(0, b"", &[0; 40]));
    driver.answered(MESSAGE_BYTES + 40);
    assert!(driver.rpc(0, b"", &[0; 41]));
    assert_full(&driver);
    driver.begin_again(0, Spent::default(), (3, 0));
    assert!(driver.rpc(0, b"", b""));
    assert_eq!(driver.stopped(), Some(&Stop::Limit(LimitKind::PendingRpcs)));
}

#[test]
fn a_call_that_is_stopped_starts_no_handler_and_one_that_is_over_does_nothing_at_all() {
    let events = |stop: fn(&mut Driver) -> bool| {
        let mut driver = driver(Limits { wall_time: Duration::from_millis(50), ..Limits::default() });
        assert!(!driver.send(Send::Console as u32, Level::Log as u32, b"line"));
        assert!(!driver.rpc(0, b"m", b""));
        assert!(!driver.send(Send::Rejection as u32, 0, b"{}"));
        let cancelled = stop(&mut driver);
        std::iter::from_fn(|| driver.take_event(cancelled)).count()
    };
    assert_eq!(events(|_| false), 3);
    let limit = |driver: &mut Driver| {
        driver.stop(Stop::Limit(LimitKind::Fuel));
        false
    };
    assert_eq!(events(limit), 2);
    assert_eq!(events(|_| true), 0);
    let late = |driver: &mut Driver| {
        driver.embedder_worked(50 * MS);
        false
    };
    assert_eq!(events(late), 0);
    // Even if it was stopped for another reason first.
    let limit_and_late = |driver: &mut Driver| {
        driver.stop(Stop::Limit(LimitKind::Fuel));
        driver.handler_worked(50 * MS);
        false
    };
    assert_eq!(events(limit_and_late), 0);
}

#[test]
fn a_handler_that_takes_long_stops_the_call_when_it_is_done() {
    let mut driver = driver(Limits { wall_time: Duration::from_millis(50), ..cpu_limit(10) });
    driver.resume(0);
    driver.pause(5 * MS);
    assert!(!driver.is_stopping(false));
    driver.handler_worked(49 * MS);
    assert!(!driver.is_stopping(false));
    driver.handler_worked(50 * MS);
    assert!(driver.is_stopping(false));
    assert_eq!(driver.stopped(), Some(&Stop::Limit(LimitKind::WallTime)));
    driver.end(driver.seen());
    assert_eq!(driver.totals().0.handler_time, Duration::from_millis(45));
}

#[test]
fn rejections_of_one_call_are_bounded() {
    let mut driver = driver(Limits::default());
    for _ in 0..10_000 {
        assert!(!driver.send(Send::Rejection as u32, 0, b"{}"));
    }
    assert_eq!(std::iter::from_fn(|| driver.take_event(false)).count(), REJECTIONS_PER_CALL);
}

#[test]
fn rejections_of_one_call_weigh_no_more_than_one_message() {
    let mut driver = driver(Limits { message_bytes: 100, ..Limits::default() });
    for _ in 0..10 {
        assert!(!driver.send(Send::Rejection as u32, 0, &[b' '; 40]));
    }
    assert_eq!(std::iter::from_fn(|| driver.take_event(false)).count(), 2);
}

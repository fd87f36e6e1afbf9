//! Merging of routers and data; a duplicate registration panics.

use std::panic::catch_unwind;

use belljar::{Call, Limits, Router, Value, Verdict};

use crate::support::{jar_of, runtime};

fn mail() -> Router {
    Router::new()
        .handle("send", |_: &Call, to: String| Ok(format!("sent to {to}")))
        .handle_async("check", |call: Call, (): ()| async move { Ok(call.method().to_owned()) })
}

#[track_caller]
fn assert_panics<T>(what: &str, make: impl FnOnce() -> T + std::panic::UnwindSafe) {
    let payload = catch_unwind(|| drop(make())).expect_err(what);
    let told = payload.downcast_ref::<String>().cloned();
    let told = told.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap();
    assert!(told.contains(what), "{told:?} lacks {what:?}");
}

#[test]
fn handlers_of_a_merged_router_are_called_by_their_name_behind_the_prefix() {
    let router = Router::new().handle("send", |_: &Call, n: i64| Ok(n + 1)).merge("mail.", mail());
    assert_eq!(router.methods(), ["mail.check", "mail.send", "send"]);
    let mut jar = jar_of(&router, &Limits::default());
    assert_eq!(
        jar.eval("[host.rpcSync('send', 1), host.rpcSync('mail.send', 'ada')]").unwrap().as_str(),
        r#"[2,"sent to ada"]"#
    );
}

#[test]
fn a_merged_fallback_console_and_judge_work_in_the_router_that_has_none() {
    let lines = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = lines.clone();
    let other = Router::new()
        .fallback(|call: &Call, _: Value| Ok(call.method().len()))
        .on_console(move |_, _, line| seen.lock().unwrap().push(line.to_owned()))
        .on_unhandled_rejection(|_, _| Verdict::Stop);
    let mut jar = jar_of(&Router::new().merge("any.", other), &Limits::default());
    assert_eq!(jar.eval("console.log('here'); host.rpcSync('what')").unwrap().as_str(), "4");
    assert_eq!(*lines.lock().unwrap(), ["here"]);
    assert_eq!(jar.eval("Promise.reject(new Error('no')); 1").unwrap_err().code(), "js_error");
}

#[test]
fn what_is_registered_twice_panics_by_its_name() {
    let add = |router: Router| router.handle("add", |_: &Call, (): ()| Ok(1));
    assert_panics("the method \"add\" already has a handler", move || add(add(Router::new())));
    assert_panics("the method \"m.send\" already has a handler", || {
        Router::new().handle("m.send", |_: &Call, (): ()| Ok(1)).merge("m.", mail())
    });
    let fallback = |router: Router| router.fallback(|_: &Call, (): ()| Ok(1));
    assert_panics("a fallback", move || fallback(fallback(Router::new())));
    assert_panics("a fallback", move || fallback(Router::new()).merge("m.", fallback(Router::new())));
    let console = |router: Router| router.on_console(|_, _, _| ());
    assert_panics("console", move || console(console(Router::new())));
    assert_panics("console", move || console(Router::new()).merge("m.", console(Router::new())));
    let judge = |router: Router| router.on_unhandled_rejection(|_, _| Verdict::Continue);
    assert_panics("rejections", move || judge(judge(Router::new())));
    assert_panics("rejections", move || judge(Router::new()).merge("m.", judge(Router::new())));
    assert_panics("already has data of the type u32", || runtime().build_instance().data(1_u32).data(2_u32));
}

#[test]
fn handlers_find_data_of_several_types() {
    struct Tenant(&'static str);
    struct Budget(u64);
    let router = Router::new().handle("who", |call: &Call, (): ()| {
        let (tenant, budget) = (call.data::<Tenant>().unwrap(), call.data::<Budget>().unwrap());
        Ok((tenant.0, budget.0, call.data::<u8>().is_some()))
    });
    let builder = runtime().build_instance().data(Tenant("ada")).data(Budget(7));
    let mut jar = builder.start(&router, &Limits::default()).unwrap();
    assert_eq!(jar.eval("host.rpcSync('who')").unwrap().as_str(), r#"["ada",7,false]"#);
    jar.reset().unwrap();
    assert_eq!(jar.eval("host.rpcSync('who')").unwrap().as_str(), r#"["ada",7,false]"#);
}

#[test]
fn figures_limits_and_errors_have_one_shape_as_json() {
    let mut jar = jar_of(&Router::new(), &Limits { rpc_calls: 3, ..Limits::default() });
    let error = jar.eval("throw new RangeError('low', { cause: 7 })").unwrap_err();
    let json = serde_json::to_value(&error).unwrap();
    assert_eq!((&json["code"], &json["blame"]), (&"js_error".into(), &"script".into()));
    assert_eq!((&json["js"]["name"], &json["js"]["cause"]["thrown"]), (&"RangeError".into(), &7.into()));
    assert!(json["js"]["stack"].as_str().unwrap().contains("script.js:1") && json.get("limit").is_none());
    let mut jar = jar_of(&Router::new(), &Limits { fuel: Some(1000), ..Limits::default() });
    let json = serde_json::to_value(jar.eval("for (;;) {}").unwrap_err()).unwrap();
    assert_eq!(json["limit"], serde_json::json!({ "field": "fuel", "value": 1000, "unit": "units" }));
    let stats = serde_json::to_value(jar.stats()).unwrap();
    assert_eq!((&stats["calls"], stats["fuel"].as_u64() > Some(0)), (&1.into(), true));
    let limits = serde_json::to_value(Limits::default()).unwrap();
    assert!(limits["fuel"].is_null() && limits["cpuTimeUs"].as_u64() > Some(0));
    assert_eq!(limits.as_object().unwrap().len(), limits_fields());
}

/// The number of fields of `Limits`, from the golden listing of public items.
fn limits_fields() -> usize {
    include_str!("../golden/public-api.txt").lines().filter(|line| line.starts_with("Limits.")).count()
}

//! Applying and reverting, on CPUs that call the functions.

use super::session::*;
use alt_runtime::livepatch::format::HookKind;
use qemu_tests::Machine;

/// A thousand cycles of apply and revert, under load.
fn cycles(machine: Machine) {
    let payload = kernel().returning("pair", &[FIRST, SECOND], 2);
    let commands = "load:0,cycle:0:1000,calls,apply:0,call,revert:0,call,calls";
    let session = Setup::new(&[&payload], commands).on(machine).run();
    assert_eq!(
        session.results(),
        [
            "load:0: ok",
            "cycle:0:1000: ok",
            "apply:0: ok",
            "revert:0: ok"
        ]
    );
    assert_eq!(session.versions(), [[2, 2, 1, 1, 1], [1; 5]]);
    let [old, new, mixed] = session.calls();
    assert!(old > 0 && new > 0, "old {old}, new {new}");
    assert_eq!(mixed, 0, "a CPU called an old and a new function");
    session.assert_text_is_back();
}

guest_test!(
    /// Behaviour 27.
    a_thousand_cycles_on_cortex_a76, { cycles(Machine::new("cortex-a76").smp(4)); }
);

guest_test!(
    /// Behaviour 27.
    a_thousand_cycles_on_max, { cycles(Machine::new("max").smp(4)); }
);

guest_test!(
    /// Behaviour 27, where all CPUs take turns in one thread of the emulator.
    a_thousand_cycles_in_turns, {
        for cpu in ["cortex-a76", "max"] {
            cycles(Machine::new(cpu).smp(4).accel("tcg,thread=single"));
        }
    }
);

guest_test!(
    /// Behaviour 28.
    a_missing_cpu_is_named_and_the_others_run_on, {
        let payload = kernel().returning("missing", &[FIRST, SECOND], 2);
        let commands = "load:0,absent:1,sum,apply:0,sum,call,absent:0,apply:0,call,revert:0,calls";
        let session = Setup::new(&[&payload], commands).run();
        let results = session.results();
        assert!(results[1].starts_with("apply:0: "), "{results:?}");
        assert!(results[1].contains("CPU 2 did not come to the rendezvous in time"), "{results:?}");
        assert_eq!(results[2..], ["apply:0: ok", "revert:0: ok"]);
        let sums = session.notes("sum ");
        assert_eq!(sums[0], sums[1]);
        assert_eq!(session.versions(), [[1; 5], [2, 2, 1, 1, 1]]);
        assert_eq!(session.calls()[2], 0);
        session.assert_text_is_back();
    }
);

guest_test!(
    /// Behaviour 29.
    a_function_on_a_stack_is_busy_and_a_retry_succeeds, {
        let payload = kernel().returning("busy", &[BUSY], 2);
        let commands = "load:0,busy:1,sum,apply:0,sum,busy:0,apply:0,call,revert:0,call";
        let session = Setup::new(&[&payload], commands).run();
        let results = session.results();
        assert!(results[1].contains("livepatch_busy"), "{results:?}");
        assert!(results[1].contains("CPU 1"), "{results:?}");
        assert_eq!(results[2..], ["apply:0: ok", "revert:0: ok"]);
        let sums = session.notes("sum ");
        assert_eq!(sums[0], sums[1]);
        assert_eq!(session.versions(), [[1, 1, 1, 1, 2], [1; 5]]);
        session.assert_text_is_back();
    }
);

guest_test!(
    /// Behaviour 29, the exception: calls in progress may finish in the old function.
    a_function_that_may_be_running_is_replaced_on_a_stack, {
        let mut payload = kernel().payload("running");
        payload.functions = vec![kernel().replace(BUSY, returns(2)).may_be_running()];
        let commands = "load:0,busy:1,apply:0,call,busy:0,call,revert:0,call";
        let session = Setup::new(&[&payload], commands).run();
        assert_eq!(session.results(), ["load:0: ok", "apply:0: ok", "revert:0: ok"]);
        assert_eq!(session.versions(), [[1, 1, 1, 1, 2], [1, 1, 1, 1, 2], [1; 5]]);
        session.assert_text_is_back();
    }
);

guest_test!(
    /// Behaviour 30.
    another_word_than_expected_is_named_and_nothing_is_written, {
        let (address, _) = kernel().function(SECOND);
        let word = kernel().word(address);
        let mut payload = kernel().returning("word", &[FIRST], 2);
        payload.functions.push(kernel().replace(SECOND, returns(2)).words(vec![word ^ 1]));
        let session = Setup::new(&[&payload], "load:0,sum,apply:0,sum,call,unload:0").run();
        let results = session.results();
        for part in [&format!("{word:#x}"), &format!("{:#x}", word ^ 1), SECOND] {
            assert!(results[1].contains(part), "{part}: {results:?}");
        }
        let sums = session.notes("sum ");
        assert_eq!(sums[0], sums[1]);
        assert_eq!(session.versions(), [[1; 5]]);
        session.assert_text_is_back();
    }
);

guest_test!(
    /// The landing pad of a function stays, and the word after it becomes the branch.
    a_landing_pad_stays, {
        let (address, size) = kernel().function(PADDED);
        let mut code = vec![BTI_C];
        code.extend(returns(2));
        let mut payload = kernel().payload("padded");
        let replacement = qemu_tests::livepatch::Replacement::new(PADDED, address, size, code);
        let second = kernel().word(address + 4);
        payload.functions = vec![replacement.words(vec![second]).landing_pad()];
        let peek = format!("peek:{address:#x}");
        let commands = format!("load:0,apply:0,{peek},call,revert:0,{peek},call");
        let session = Setup::new(&[&payload], &commands).run();
        assert_eq!(session.results(), ["load:0: ok", "apply:0: ok", "revert:0: ok"]);
        let bti = format!("word {address:#x} {BTI_C:#010x}");
        assert_eq!(session.notes("")
            .iter().filter(|note| **note == bti).count(), 2);
        assert_eq!(session.versions(), [[1, 1, 2, 1, 1], [1; 5]]);
        session.assert_text_is_back();
    }
);

guest_test!(
    /// Behaviour 32.
    a_hook_refuses_and_nothing_is_applied, {
        let mut payload = kernel().returning("refuses", &[FIRST], 2);
        payload.hooks = vec![
            (HookKind::PreApply, returns(5)),
            (HookKind::PostApply, returns(0)),
        ];
        let session = Setup::new(&[&payload], "load:0,apply:0,call,unload:0").run();
        let results = session.results();
        assert!(results[1].contains('5'), "{results:?}");
        assert_eq!(session.notes("hook "), ["PreApply of refuses: 5"]);
        assert_eq!(session.versions(), [[1; 5]]);
        session.assert_text_is_back();
    }
);

guest_test!(
    /// Behaviour 33.
    hooks_run_in_their_order, {
        let mut payload = kernel().returning("hooks", &[FIRST], 2);
        let all = [
            HookKind::Load,
            HookKind::PreApply,
            HookKind::PostApply,
            HookKind::PreRevert,
            HookKind::PostRevert,
            HookKind::Unload,
        ];
        payload.hooks = all.iter().map(|kind| (*kind, returns(0))).collect();
        let session = Setup::new(&[&payload], "load:0,apply:0,revert:0,unload:0").run();
        assert!(session.results().iter().filter(|r| r.contains(":0: ")).all(|r| r.ends_with(": ok")));
        let expected: Vec<_> = all.iter().map(|kind| format!("{kind:?} of hooks: 0")).collect();
        assert_eq!(session.notes("hook "), expected);
        session.assert_text_is_back();
    }
);

guest_test!(
    /// Behaviour 35.
    operations_in_a_wrong_state_are_errors, {
        let payload = kernel().returning("state", &[FIRST], 2);
        let commands = "apply:0,load:0,revert:0,apply:0,apply:0,unload:0,call,revert:0,revert:0,unload:0,unload:0";
        let session = Setup::new(&[&payload], commands).run();
        let ok: Vec<_> = session.results().iter().map(|result| result.ends_with(": ok")).collect();
        let expected = [false, true, false, true, false, false, true, false, true, false];
        assert_eq!(ok, expected, "{:?}", session.results());
        assert_eq!(session.versions(), [[2, 1, 1, 1, 1]]);
        session.assert_text_is_back();
    }
);

guest_test!(
    /// Behaviour 39.
    used_state_is_not_used_again, {
        let mut payload = kernel().returning("used", &[FIRST], 2);
        payload.state = 16;
        let commands = "load:0,apply:0,revert:0,apply:0,unload:0,load:0,apply:0,call,revert:0";
        let session = Setup::new(&[&payload], commands).run();
        let ok: Vec<_> = session.results().iter().map(|result| result.ends_with(": ok")).collect();
        let expected = [true, true, true, false, true, true, true, true];
        assert_eq!(ok, expected, "{:?}", session.results());
        session.assert_text_is_back();
    }
);

guest_test!(
    /// Behaviour 40.
    a_fault_in_a_payload_is_named, {
        let mut payload = kernel().payload("faulty");
        // UDF #0 (Arm ARM C6.2, UDF).
        payload.functions = vec![kernel().replace(FIRST, vec![0xd503_201f, 0])];
        let setup = Setup::new(&[&payload], "load:0,apply:0,call");
        let session = setup.on(Machine::new("max")).run();
        assert_eq!(session.run.outcome.status, qemu_tests::Status::Failed);
        let log = text(&session.run.log);
        let first = log.lines().find(|line| line.contains("backtrace")).unwrap_or_default();
        assert!(first.ends_with("livepatch_first+0x4 of payload faulty"), "{log}");
    }
);

//! Several payloads, one on the other, and one in place of all.

use super::session::*;
use qemu_tests::livepatch::Fixture;

/// A payload that is applied on another one. Its id is the test's to find out.
fn child(name: &str, version: u16, parent: &Fixture) -> Fixture {
    let mut payload = kernel().returning(name, &[FIRST, SECOND], version);
    payload.parent = id(parent);
    payload
}

/// The id that a fixture writes.
fn id(payload: &Fixture) -> [u8; 20] {
    payload.id(kernel().anchor)
}

guest_test!(
    /// Behaviours 36 and 37.
    payloads_are_stacked_and_reverted_in_order, {
        let a = kernel().returning("a", &[FIRST, SECOND], 2);
        let b = child("b", 3, &a);
        let commands = "load:0,load:1,sum,apply:1,apply:0,call,apply:1,call,revert:0,call,\
                        revert:1,call,revert:0,call,sum,unload:1,unload:0,calls";
        let session = Setup::new(&[&a, &b], commands).run();
        let results = session.results();
        let ok: Vec<_> = results.iter().map(|result| result.ends_with(": ok")).collect();
        let expected = [true, true, false, true, true, false, true, true, true, true];
        assert_eq!(ok, expected, "{results:?}");
        let pair = |version| [version, version, 1, 1, 1];
        assert_eq!(session.versions(), [pair(2), pair(3), pair(3), pair(2), pair(1)]);
        let sums = session.notes("sum ");
        assert_eq!(sums[0], sums[1]);
        assert_eq!(session.calls()[2], 0);
        session.assert_text_is_back();
    }
);

guest_test!(
    /// Behaviour 36: a parent that is not the last one.
    a_wrong_parent_is_refused, {
        let a = kernel().returning("a", &[FIRST], 2);
        let b = kernel().returning("b", &[SECOND], 3);
        let session = Setup::new(&[&a, &b], "load:0,load:1,apply:0,apply:1,call,revert:0").run();
        let results = session.results();
        assert!(!results[3].ends_with(": ok"), "{results:?}");
        assert_eq!(session.versions(), [[2, 1, 1, 1, 1]]);
        session.assert_text_is_back();
    }
);

guest_test!(
    /// Behaviour 38.
    one_payload_replaces_all_others_in_one_step, {
        let a = kernel().returning("a", &[FIRST, SECOND], 2);
        let b = child("b", 3, &a);
        let all = kernel().returning("all", &[FIRST, SECOND], 4);
        let commands = "load:0,load:1,load:2,apply:0,apply:1,call,replace:2,call,unload:0,unload:1,\
                        revert:2,call,calls";
        let session = Setup::new(&[&a, &b, &all], commands).run();
        let results = session.results();
        assert!(results.iter().all(|result| result.ends_with(": ok")), "{results:?}");
        let pair = |version| [version, version, 1, 1, 1];
        assert_eq!(session.versions(), [pair(3), pair(4), pair(1)]);
        assert_eq!(session.calls()[2], 0);
        session.assert_text_is_back();
    }
);

guest_test!(
    /// Behaviour 38: a failure leaves the old set.
    a_replacement_that_does_not_fit_leaves_the_old_set, {
        let a = kernel().returning("a", &[FIRST, SECOND], 2);
        let mut all = kernel().returning("all", &[FIRST, SECOND], 4);
        let (address, _) = kernel().function(PADDED);
        all.expectations = vec![(address, 0)];
        let session = Setup::new(&[&a, &all], "load:0,load:1,apply:0,sum,replace:1,sum,call,revert:0").run();
        let results = session.results();
        assert!(!results[3].ends_with(": ok"), "{results:?}");
        assert!(results[3].contains("0xd503245f"), "{results:?}");
        let sums = session.notes("sum ");
        assert_eq!(sums[0], sums[1]);
        assert_eq!(session.versions(), [[2, 2, 1, 1, 1]]);
        session.assert_text_is_back();
    }
);

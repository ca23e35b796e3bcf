//! Applying and reverting one payload: behaviours 28 to 35.

use alt_runtime::Insn;
use alt_runtime::livepatch::format::HookKind;
use alt_runtime::livepatch::{ActionError, Done, Livepatch, LoadError, State};
use alt_runtime::patch::PatchError;
use alt_runtime::rendezvous::StopError;

use crate::file::rich;
use crate::kernel::{Alias, Event, Fake, PAYLOADS, RET, address, branch, mov, old, patch};
use crate::load::{load, states};

pub const ONE: [u8; 20] = [1; 20];

/// A kernel with a loaded payload that replaces functions 1 and 2.
pub fn loaded() -> (Livepatch<4>, Fake) {
    let (livepatch, mut kernel) = (Livepatch::new(), Fake::new());
    load(&livepatch, &mut kernel, &patch(1, &[1, 2], 9)).unwrap();
    kernel.log.borrow_mut().clear();
    (livepatch, kernel)
}

/// Checks that applying is refused, that nothing has changed, and that it works after `cure`.
fn refused(
    livepatch: &Livepatch<4>,
    kernel: &mut Fake,
    cure: impl FnOnce(&mut Fake),
) -> ActionError<&'static str> {
    let text = kernel.text();
    let error = livepatch.apply(kernel, &ONE).expect_err("applied");
    assert!(!error.to_string().is_empty());
    assert_eq!(kernel.text(), text, "{error}");
    assert_eq!(states(livepatch)[0], (1, State::Loaded));
    cure(kernel);
    livepatch.apply(kernel, &ONE).expect("cured");
    error
}

#[test]
fn applied_and_reverted() {
    let (livepatch, mut kernel) = loaded();
    let text = kernel.text();
    let (redirected, restored, words, lines) = (2, 0, 2, 2);
    let done = Done {
        redirected,
        restored,
        words,
        lines,
    };
    assert_eq!(livepatch.apply(&mut kernel, &ONE), Ok(done));
    assert_eq!(states(&livepatch), [(1, State::Applied)]);
    let changed: Vec<_> = (0..text.len())
        .filter(|index| kernel.text()[*index] != text[*index])
        .collect();
    assert_eq!(changed, [16, 32], "one word of each function");
    assert_eq!(kernel.get(address(1)), branch(1, PAYLOADS));
    assert_eq!(kernel.get(address(2)), branch(2, PAYLOADS + 8));
    let done = livepatch.revert(&mut kernel, &ONE).unwrap();
    assert_eq!((done.redirected, done.restored, done.words), (0, 2, 2));
    assert_eq!(kernel.text(), text);
    assert_eq!(states(&livepatch), [(1, State::Loaded)]);
    // Without writable data, as often as one likes.
    for _ in 0..1000 {
        livepatch.apply(&mut kernel, &ONE).unwrap();
        livepatch.revert(&mut kernel, &ONE).unwrap();
    }
    assert_eq!(kernel.text(), text);
    livepatch.unload(&mut kernel, &ONE).unwrap();
    assert_eq!((kernel.blocks(), states(&livepatch).len()), (0, 0));
}

#[test]
fn b28_a_missing_cpu_is_named() {
    let (livepatch, mut kernel) = loaded();
    kernel.missing = Some(3);
    let error = refused(&livepatch, &mut kernel, |kernel| kernel.missing = None);
    assert_eq!(error, ActionError::Stop(StopError::Missing { cpu: 3 }));
    kernel.missing = Some(2);
    let text = kernel.text();
    let error = livepatch.revert(&mut kernel, &ONE).unwrap_err();
    assert_eq!(error, ActionError::Stop(StopError::Missing { cpu: 2 }));
    assert_eq!(kernel.text(), text);
    assert_eq!(states(&livepatch), [(1, State::Applied)]);
}

#[test]
fn b30_an_unexpected_word_is_named_with_the_expected_one() {
    let (livepatch, mut kernel) = loaded();
    kernel.set(address(2), 0xd420_0000);
    let error = refused(&livepatch, &mut kernel, |kernel| {
        kernel.set(address(2), mov(2));
    });
    let ActionError::Word {
        function,
        address: at,
        found,
        expected,
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!(function.as_str(), "kernel::function_2");
    assert_eq!(
        (at, found, expected),
        (address(2), Insn(0xd420_0000), Insn(mov(2)))
    );
    let text = error.to_string();
    assert!(
        text.contains("0xd4200000") && text.contains("0x52800040"),
        "{text}"
    );

    // A reverted place that does not hold our branch.
    kernel.set(address(1), RET);
    let text = kernel.text();
    let error = livepatch.revert(&mut kernel, &ONE).unwrap_err();
    let is_word = matches!(error, ActionError::Word { found: Insn(RET), expected, .. }
        if expected.0 == branch(1, PAYLOADS));
    assert!(is_word, "{error}");
    assert_eq!(kernel.text(), text);
}

#[test]
fn each_legal_word_is_accepted_and_put_back() {
    for word in [mov(1), RET, 0x1234_5678] {
        let (livepatch, mut kernel) = (Livepatch::<1>::new(), Fake::new());
        let mut payload = patch(1, &[1], 9);
        payload.functions[0].words = vec![mov(1), 0x1234_5678, RET];
        kernel.set(address(1), word);
        let text = kernel.text();
        load(&livepatch, &mut kernel, &payload).unwrap();
        livepatch.apply(&mut kernel, &ONE).unwrap();
        livepatch.revert(&mut kernel, &ONE).unwrap();
        assert_eq!(kernel.text(), text);
    }
}

#[test]
fn b30_an_expectation_that_is_not_met() {
    let (livepatch, mut kernel) = (Livepatch::<4>::new(), Fake::new());
    let mut payload = patch(1, &[1], 9);
    payload.expectations.push((old(7).0, mov(7)));
    payload.expectations.push((old(8).0 + 4, 0xdead_c0de));
    load(&livepatch, &mut kernel, &payload).unwrap();
    let error = refused(&livepatch, &mut kernel, |kernel| {
        kernel.set(address(8) + 4, 0xdead_c0de);
    });
    let expected = ActionError::Expectation {
        index: 1,
        address: address(8) + 4,
        found: Insn(RET),
        expected: Insn(0xdead_c0de),
    };
    assert_eq!(error, expected);
}

/// Behaviour 31: with an alias whose first page is correct, and whose second page is not.
#[test]
fn b31_a_word_that_does_not_read_back_restores_all() {
    for right in 0..2 {
        let (livepatch, mut kernel) = loaded();
        let branches = [branch(1, PAYLOADS), branch(2, PAYLOADS + 8)];
        let right: Vec<_> = (1..=right)
            .map(|n| (address(n), branches[n as usize - 1]))
            .collect();
        let failing = address(right.len() as u32 + 1);
        kernel.alias = Alias::Wrong(right);
        let error = refused(&livepatch, &mut kernel, |kernel| {
            kernel.alias = Alias::Right
        });
        let ActionError::Patch(PatchError::ReadBack(error)) = error else {
            panic!("{error}");
        };
        assert_eq!(error.address, failing);
    }
}

#[test]
fn an_alias_that_cannot_be_opened() {
    let (livepatch, mut kernel) = loaded();
    kernel.cannot_open = true;
    let error = refused(&livepatch, &mut kernel, |kernel| kernel.cannot_open = false);
    assert_eq!(error, ActionError::Patch(PatchError::Alias("cannot open")));
}

/// A payload with all hooks.
fn hooked(id: u8, function: u32) -> test_support::payload::Payload {
    let mut payload = patch(id, &[function], 9);
    payload.hooks = [4; 6];
    payload
}

#[test]
fn b32_a_hook_refuses() {
    let (livepatch, mut kernel) = (Livepatch::<4>::new(), Fake::new());
    load(&livepatch, &mut kernel, &hooked(1, 1)).unwrap();
    kernel.refusing.push((1, HookKind::PreApply, 5));
    let error = livepatch.apply(&mut kernel, &ONE).unwrap_err();
    let refusal = |hook, code| ActionError::Refused {
        payload: ONE,
        hook,
        code,
    };
    assert_eq!(error, refusal(HookKind::PreApply, 5));
    assert_eq!(
        kernel.hooks(),
        [(1, HookKind::Load), (1, HookKind::PreApply)]
    );
    assert!(
        !kernel.log.borrow().contains(&Event::Stop),
        "nobody was stopped"
    );
    assert_eq!(states(&livepatch), [(1, State::Loaded)]);

    kernel.refusing[0] = (1, HookKind::PreRevert, 6);
    livepatch.apply(&mut kernel, &ONE).unwrap();
    let text = kernel.text();
    let error = livepatch.revert(&mut kernel, &ONE).unwrap_err();
    assert_eq!(error, refusal(HookKind::PreRevert, 6));
    assert_eq!(kernel.text(), text);
    assert_eq!(states(&livepatch), [(1, State::Applied)]);

    // What the other hooks say does not count.
    kernel.refusing = [HookKind::PostApply, HookKind::PostRevert, HookKind::Unload]
        .map(|kind| (1, kind, 7))
        .into();
    livepatch.revert(&mut kernel, &ONE).unwrap();
    livepatch.apply(&mut kernel, &ONE).unwrap();
    livepatch.revert(&mut kernel, &ONE).unwrap();
    livepatch.unload(&mut kernel, &ONE).unwrap();
}

#[test]
fn b33_hooks_are_called_in_order() {
    let (livepatch, mut kernel) = (Livepatch::<4>::new(), Fake::new());
    load(&livepatch, &mut kernel, &hooked(1, 1)).unwrap();
    livepatch.apply(&mut kernel, &ONE).unwrap();
    livepatch.revert(&mut kernel, &ONE).unwrap();
    livepatch.unload(&mut kernel, &ONE).unwrap();
    let hook = |kind| Event::Hook(1, kind);
    assert_eq!(
        *kernel.log.borrow(),
        [
            Event::Allocate,
            Event::Protect,
            hook(HookKind::Load),
            hook(HookKind::PreApply),
            Event::Stop,
            Event::Commit,
            Event::Release,
            hook(HookKind::PostApply),
            hook(HookKind::PreRevert),
            Event::Stop,
            Event::Commit,
            Event::Release,
            hook(HookKind::PostRevert),
            // A payload that has been applied is searched for on the stacks.
            Event::Stop,
            Event::Release,
            hook(HookKind::Unload),
            Event::Free,
        ]
    );
}

#[test]
fn b34_a_second_operation_is_busy() {
    let (livepatch, mut kernel) = loaded();
    livepatch.apply(&mut kernel, &ONE).unwrap();
    crate::threads::while_reverting(&livepatch, &mut kernel, |livepatch| {
        let mut other = Fake::new();
        // SAFETY: it is not loaded.
        let load = unsafe { livepatch.load(&mut other, &rich().build()) };
        assert_eq!(load, Err(LoadError::Busy));
        assert_eq!(livepatch.apply(&mut other, &ONE), Err(ActionError::Busy));
        assert_eq!(livepatch.revert(&mut other, &ONE), Err(ActionError::Busy));
        assert_eq!(livepatch.replace(&mut other, &ONE), Err(ActionError::Busy));
        assert_eq!(livepatch.unload(&mut other, &ONE), Err(ActionError::Busy));
        // What only reads, works.
        assert_eq!(states(livepatch), [(1, State::Applied)]);
        assert!(livepatch.lookup(PAYLOADS, |_| ()).is_some());
        assert_eq!(*other.log.borrow(), []);
    });
    livepatch.apply(&mut kernel, &ONE).unwrap();
}

#[test]
fn b35_the_wrong_state_is_an_error() {
    let (livepatch, mut kernel) = loaded();
    let loaded = ActionError::WrongState {
        found: State::Loaded,
    };
    let applied = ActionError::WrongState {
        found: State::Applied,
    };
    assert_eq!(livepatch.revert(&mut kernel, &ONE), Err(loaded));
    livepatch.apply(&mut kernel, &ONE).unwrap();
    let log = kernel.log.borrow().len();
    assert_eq!(livepatch.apply(&mut kernel, &ONE), Err(applied));
    assert_eq!(livepatch.replace(&mut kernel, &ONE), Err(applied));
    assert_eq!(livepatch.unload(&mut kernel, &ONE), Err(applied));
    let unknown = [9; 20];
    assert_eq!(
        livepatch.apply(&mut kernel, &unknown),
        Err(ActionError::Unknown)
    );
    assert_eq!(
        livepatch.revert(&mut kernel, &unknown),
        Err(ActionError::Unknown)
    );
    assert_eq!(
        livepatch.replace(&mut kernel, &unknown),
        Err(ActionError::Unknown)
    );
    assert_eq!(
        livepatch.unload(&mut kernel, &unknown),
        Err(ActionError::Unknown)
    );
    assert_eq!(kernel.log.borrow().len(), log, "nothing was done");
}

#[test]
fn a_payload_that_is_read_is_not_freed() {
    let (livepatch, mut kernel) = loaded();
    let unload = livepatch.lookup(PAYLOADS, |symbol| {
        let unload = livepatch.unload(&mut kernel, &ONE);
        assert_eq!(
            symbol.function,
            Some("kernel::function_1"),
            "still readable"
        );
        unload
    });
    assert_eq!(unload, Some(Err(ActionError::InUse)));
    assert_eq!(states(&livepatch), [(1, State::Loaded)]);
    livepatch.unload(&mut kernel, &ONE).unwrap();
}

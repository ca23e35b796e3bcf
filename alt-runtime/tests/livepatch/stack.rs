//! Several payloads: behaviours 36 to 39.

use alt_runtime::Insn;
use alt_runtime::livepatch::format::HookKind;
use alt_runtime::livepatch::{ActionError, Livepatch, State};
use alt_runtime::patch::PatchError;
use test_support::payload::Payload;

use crate::file::rich;
use crate::kernel::{Alias, Fake, IMAGE, PAYLOADS, address, branch, mov, old, patch};
use crate::load::{load, states};

const A: [u8; 20] = [1; 20];
const B: [u8; 20] = [2; 20];
const C: [u8; 20] = [3; 20];

/// Where the second and third payload are.
const SECOND: u64 = PAYLOADS + 0x3_0000;
const THIRD: u64 = PAYLOADS + 0x6_0000;

/// Payload `id` after `parent`, with all hooks.
fn on(id: u8, parent: [u8; 20], functions: &[u32]) -> Payload {
    let mut payload = patch(id, functions, 100 + u32::from(id));
    payload.parent = parent;
    payload.hooks = [4; 6];
    payload
}

/// A kernel with A, which replaces functions 1 and 2, B on A, which replaces 2 and 3, and C on the
/// image, which replaces 3 and 4.
fn three() -> (Livepatch<4>, Fake) {
    let (livepatch, mut kernel) = (Livepatch::new(), Fake::new());
    for (payload, at) in [
        (on(1, IMAGE, &[1, 2]), PAYLOADS),
        (on(2, A, &[2, 3]), SECOND),
        (on(3, IMAGE, &[3, 4]), THIRD),
    ] {
        kernel.next = at;
        load(&livepatch, &mut kernel, &payload).unwrap();
    }
    kernel.log.borrow_mut().clear();
    (livepatch, kernel)
}

/// The words at the entries of functions 1 to 4.
fn entries(kernel: &Fake) -> [u32; 4] {
    [1, 2, 3, 4].map(|n| kernel.get(address(n)))
}

fn original() -> [u32; 4] {
    [1, 2, 3, 4].map(mov)
}

#[test]
fn b36_the_parent_is_checked() {
    let (livepatch, mut kernel) = three();
    let wrong = |expected, found| Err(ActionError::WrongParent { expected, found });
    assert_eq!(livepatch.apply(&mut kernel, &B), wrong(A, IMAGE));
    livepatch.apply(&mut kernel, &C).unwrap();
    assert_eq!(livepatch.apply(&mut kernel, &B), wrong(A, C));
    assert_eq!(livepatch.apply(&mut kernel, &A), wrong(IMAGE, C));
    livepatch.revert(&mut kernel, &C).unwrap();
    livepatch.apply(&mut kernel, &A).unwrap();
    livepatch.apply(&mut kernel, &B).unwrap();
    // No hook of a refused one was called.
    let applied = |it: &&(u8, HookKind)| it.1 == HookKind::PreApply;
    assert_eq!(kernel.hooks().iter().filter(applied).count(), 3);
    let mine = [
        branch(1, PAYLOADS),
        branch(2, SECOND),
        branch(3, SECOND + 8),
        mov(4),
    ];
    assert_eq!(entries(&kernel), mine);
}

#[test]
fn b37_the_last_one_is_reverted_first() {
    let (livepatch, mut kernel) = three();
    let text = kernel.text();
    livepatch.apply(&mut kernel, &A).unwrap();
    let with_a = kernel.text();
    livepatch.apply(&mut kernel, &B).unwrap();
    let with_b = kernel.text();
    let error = livepatch.revert(&mut kernel, &A);
    assert_eq!(error, Err(ActionError::NotLast { last: B }));
    assert_eq!(kernel.text(), with_b);
    livepatch.revert(&mut kernel, &B).unwrap();
    assert_eq!(kernel.text(), with_a);
    livepatch.revert(&mut kernel, &A).unwrap();
    assert_eq!(kernel.text(), text);
}

#[test]
fn b36_the_word_of_a_stacked_place_is_the_branch_below() {
    let (livepatch, mut kernel) = three();
    livepatch.apply(&mut kernel, &A).unwrap();
    // Legal in the image, but A's branch is expected.
    kernel.set(address(2), mov(2));
    let error = livepatch.apply(&mut kernel, &B).unwrap_err();
    let expected = Insn(branch(2, PAYLOADS + 8));
    let is_word = matches!(error, ActionError::Word { found, expected: it, .. }
        if found == Insn(mov(2)) && it == expected);
    assert!(is_word, "{error}");
    assert_eq!(states(&livepatch)[1], (2, State::Loaded));
}

#[test]
fn b38_all_are_replaced_in_one_step() {
    let (livepatch, mut kernel) = three();
    let text = kernel.text();
    livepatch.apply(&mut kernel, &A).unwrap();
    livepatch.apply(&mut kernel, &B).unwrap();
    kernel.log.borrow_mut().clear();
    let done = livepatch.replace(&mut kernel, &C).unwrap();
    // 3 and 4 are redirected; 1 and 2 restored, although 2 was replaced twice.
    assert_eq!((done.redirected, done.restored, done.words), (2, 2, 4));
    let expected = [mov(1), mov(2), branch(3, THIRD), branch(4, THIRD + 8)];
    assert_eq!(entries(&kernel), expected);
    let (loaded, applied) = (State::Loaded, State::Applied);
    assert_eq!(states(&livepatch), [(1, loaded), (2, loaded), (3, applied)]);
    assert_eq!(
        kernel.hooks(),
        [
            (2, HookKind::PreRevert),
            (1, HookKind::PreRevert),
            (3, HookKind::PreApply),
            (2, HookKind::PostRevert),
            (1, HookKind::PostRevert),
            (3, HookKind::PostApply),
        ]
    );
    livepatch.revert(&mut kernel, &C).unwrap();
    assert_eq!(kernel.text(), text);
    // In place of nothing.
    livepatch.replace(&mut kernel, &C).unwrap();
    livepatch.replace(&mut kernel, &A).unwrap();
    livepatch.revert(&mut kernel, &A).unwrap();
    assert_eq!(kernel.text(), text);
}

/// The payload that was loaded first has room for a plan of its own functions only: the room of the
/// one loaded last is used.
#[test]
fn b38_by_the_payload_that_was_loaded_first() {
    let (livepatch, mut kernel) = three();
    let text = kernel.text();
    livepatch.apply(&mut kernel, &C).unwrap();
    livepatch.replace(&mut kernel, &A).unwrap();
    livepatch.apply(&mut kernel, &B).unwrap();
    // The one with the largest room goes.
    livepatch.unload(&mut kernel, &C).unwrap();
    kernel.next = THIRD;
    load(&livepatch, &mut kernel, &on(4, IMAGE, &[5])).unwrap();
    livepatch.replace(&mut kernel, &[4; 20]).unwrap();
    livepatch.replace(&mut kernel, &A).unwrap();
    livepatch.revert(&mut kernel, &A).unwrap();
    assert_eq!(kernel.text(), text);
}

#[test]
fn b38_a_failure_leaves_the_old_set() {
    // What goes wrong, and what the error is.
    type Case = (
        fn(&mut Fake, &mut Payload),
        fn(&ActionError<&'static str>) -> bool,
    );
    let cases: [Case; 6] = [
        (
            |_, payload| payload.expectations.push((old(6).0, 0xdead_c0de)),
            |error| matches!(error, ActionError::Expectation { index: 0, .. }),
        ),
        (
            |_, payload| payload.functions[1].words = vec![0x1234_5678],
            |error| matches!(error, ActionError::Word { .. }),
        ),
        (
            |kernel, _| kernel.refusing.push((1, HookKind::PreRevert, 3)),
            |error| matches!(error, ActionError::Refused { payload: A, .. }),
        ),
        (
            |kernel, _| kernel.refusing.push((5, HookKind::PreApply, 3)),
            |error| matches!(error, ActionError::Refused { code: 3, .. }),
        ),
        (
            |_, payload| payload.parent = B,
            |error| matches!(error, ActionError::WrongParent { found: IMAGE, .. }),
        ),
        (
            |kernel, _| kernel.alias = Alias::Wrong(Vec::new()),
            |error| matches!(error, ActionError::Patch(PatchError::ReadBack(_))),
        ),
    ];
    for (spoil, is_expected) in cases {
        let (livepatch, mut kernel) = three();
        livepatch.apply(&mut kernel, &A).unwrap();
        livepatch.apply(&mut kernel, &B).unwrap();
        let mut payload = on(5, IMAGE, &[3, 4]);
        spoil(&mut kernel, &mut payload);
        load(&livepatch, &mut kernel, &payload).unwrap();
        let (text, before) = (kernel.text(), states(&livepatch));
        let error = livepatch.replace(&mut kernel, &[5; 20]).unwrap_err();
        assert!(is_expected(&error), "{error}");
        assert_eq!(kernel.text(), text, "{error}");
        assert_eq!(states(&livepatch), before, "{error}");
        kernel.alias = Alias::Right;
        kernel.refusing.clear();
        livepatch.revert(&mut kernel, &B).unwrap();
        livepatch.revert(&mut kernel, &A).unwrap();
        assert_eq!(entries(&kernel), original());
    }
}

/// What a replacement expects is compared with the image as it will be.
#[test]
fn b38_expectations_are_of_the_image_after_the_reverts() {
    let (livepatch, mut kernel) = three();
    livepatch.apply(&mut kernel, &A).unwrap();
    livepatch.apply(&mut kernel, &B).unwrap();
    let mut payload = on(5, IMAGE, &[3]);
    // Function 2 is replaced twice now, and will not be.
    payload.expectations.push((old(2).0, mov(2)));
    load(&livepatch, &mut kernel, &payload).unwrap();
    livepatch.replace(&mut kernel, &[5; 20]).unwrap();
}

#[test]
fn b39_used_data_is_not_used_again() {
    let (livepatch, mut kernel) = (Livepatch::<2>::new(), Fake::new());
    load(&livepatch, &mut kernel, &rich()).unwrap();
    // Not applied: not used.
    kernel.missing = Some(1);
    livepatch.apply(&mut kernel, &A).unwrap_err();
    kernel.missing = None;
    livepatch.apply(&mut kernel, &A).unwrap();
    livepatch.revert(&mut kernel, &A).unwrap();
    assert_eq!(livepatch.apply(&mut kernel, &A), Err(ActionError::Used));
    assert_eq!(livepatch.replace(&mut kernel, &A), Err(ActionError::Used));
    livepatch.unload(&mut kernel, &A).unwrap();
    load(&livepatch, &mut kernel, &rich()).unwrap();
    livepatch.apply(&mut kernel, &A).unwrap();
}

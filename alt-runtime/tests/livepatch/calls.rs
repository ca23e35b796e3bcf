//! Calls in progress: behaviour 29, and the walk over the stacks.

use alt_runtime::livepatch::{
    ActionError, Frame, Livepatch, Place, StackSearch, State, WalkError, WalkReason, Who, walk,
};

use crate::apply::{ONE, loaded};
use crate::kernel::{FUNCTION, Fake, PAYLOADS, address, patch};
use crate::load::{load, states};

/// Where stacks are.
const STACK: u64 = 0xffff_0000_0001_0000;
const OTHER_STACK: u64 = 0xffff_0000_0002_0000;

/// An address in no function of interest.
const ELSEWHERE: u64 = 0xffff_8000_0800_0804;

/// A frame on a stack whose records are `returns`, innermost first, each of two words.
fn records(who: Who, returns: &[u64]) -> (Frame, (Who, u64, Vec<u64>)) {
    let mut words = vec![0x1111; 2];
    for (index, address) in returns.iter().enumerate() {
        let next = STACK + 16 * (index as u64 + 2);
        let is_last = index + 1 == returns.len();
        words.extend([if is_last { 0 } else { next }, *address]);
    }
    let frame = Frame {
        pc: ELSEWHERE,
        lr: ELSEWHERE,
        fp: STACK + 16,
        sp: STACK,
    };
    (frame, (who, STACK, words))
}

/// The error of applying while `who` has these calls in progress; it is applied when they are over.
fn busy(who: Who, returns: &[u64]) -> ActionError<&'static str> {
    let (livepatch, mut kernel) = loaded();
    let (frame, stack) = records(who, returns);
    kernel.stacks.push(stack);
    set_frame(&mut kernel, who, frame);
    let text = kernel.text();
    let error = livepatch.apply(&mut kernel, &ONE).unwrap_err();
    assert_eq!(kernel.text(), text);
    assert_eq!(states(&livepatch), [(1, State::Loaded)]);
    (kernel.cpus, kernel.threads, kernel.this_cpu) = Default::default();
    livepatch
        .apply(&mut kernel, &ONE)
        .expect("a retry succeeds");
    error
}

fn set_frame(kernel: &mut Fake, who: Who, frame: Frame) {
    match who {
        Who::Cpu(0) => kernel.this_cpu = frame,
        Who::Cpu(cpu) => kernel.cpus.push((cpu, frame)),
        Who::Thread(thread) => kernel.threads.push((thread, frame)),
    }
}

#[test]
fn b29_a_function_on_a_stack_is_busy() {
    for who in [Who::Cpu(0), Who::Cpu(3), Who::Thread(17)] {
        let (at, caller) = (address(2) + 8, ELSEWHERE + 0x20);
        let error = busy(who, &[ELSEWHERE, at, caller, ELSEWHERE]);
        let ActionError::Calls(found) = error else {
            panic!("{error}");
        };
        assert_eq!(found.function.as_str(), "kernel::function_2");
        assert_eq!((found.who, found.at, found.caller), (who, at, caller));
        let text = error.to_string();
        for part in [
            "kernel::function_2",
            &who.to_string(),
            &format!("{at:#x}"),
            &format!("{caller:#x}"),
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}

#[test]
fn b29_pc_and_link_register_count() {
    let whole = address(1)..address(1) + u64::from(FUNCTION);
    // PC and return address, and whether that is in function 1.
    for (pc, lr, is_busy) in [
        (whole.start, ELSEWHERE, true),
        (whole.end - 4, ELSEWHERE, true),
        (whole.start - 4, ELSEWHERE, false),
        (whole.end, ELSEWHERE, false),
        // The call is before the return address.
        (ELSEWHERE, whole.start, false),
        (ELSEWHERE, whole.start + 4, true),
        (ELSEWHERE, whole.end, true),
        (ELSEWHERE, whole.end + 4, false),
    ] {
        let (livepatch, mut kernel) = (Livepatch::<1>::new(), Fake::new());
        load(&livepatch, &mut kernel, &patch(1, &[1], 9)).unwrap();
        let (fp, sp) = (0, STACK);
        kernel.cpus.push((1, Frame { pc, lr, fp, sp }));
        let done = livepatch.apply(&mut kernel, &ONE);
        assert_eq!(done.is_err(), is_busy, "{pc:#x} {lr:#x}");
    }
}

/// The last call has no caller that is known.
#[test]
fn b29_without_a_caller() {
    let error = busy(Who::Cpu(1), &[address(1) + 8]);
    let ActionError::Calls(found) = error else {
        panic!("{error}");
    };
    assert_eq!(found.caller, 0);
    assert!(!error.to_string().contains("called from"), "{error}");
}

/// A kernel with function 1, which may be running, and function 2 replaced.
fn with_running() -> (Livepatch<4>, Fake) {
    let (livepatch, mut kernel) = (Livepatch::new(), Fake::new());
    let mut payload = patch(1, &[1, 2], 9);
    payload.functions[0].flags = 2;
    load(&livepatch, &mut kernel, &payload).unwrap();
    (livepatch, kernel)
}

#[test]
fn b29_a_function_that_may_be_running_is_exempt() {
    let (livepatch, mut kernel) = with_running();
    let (frame, stack) = records(Who::Cpu(1), &[address(1) + 8, ELSEWHERE]);
    kernel.stacks.push(stack);
    kernel.cpus.push((1, frame));
    livepatch.apply(&mut kernel, &ONE).unwrap();
    // The old one is still running: nothing to revert is busy.
    livepatch.revert(&mut kernel, &ONE).unwrap();
    livepatch.apply(&mut kernel, &ONE).unwrap();
    // Now the new one: it may run on in memory that stays, but is not to be freed.
    kernel.stacks[0].2[3] = PAYLOADS + 4;
    livepatch.revert(&mut kernel, &ONE).unwrap();
    let error = livepatch.unload(&mut kernel, &ONE).unwrap_err();
    let ActionError::Calls(found) = error else {
        panic!("{error}");
    };
    assert_eq!(found.function.as_str(), "kernel::function_1");
    assert_eq!(kernel.blocks(), 1);
    kernel.cpus.clear();
    livepatch.unload(&mut kernel, &ONE).unwrap();
}

#[test]
fn b29_new_functions_are_on_no_stack_when_reverted() {
    let (livepatch, mut kernel) = loaded();
    livepatch.apply(&mut kernel, &ONE).unwrap();
    let text = kernel.text();
    let (frame, stack) = records(Who::Thread(4), &[ELSEWHERE, PAYLOADS + 12]);
    kernel.stacks.push(stack);
    kernel.threads.push((4, frame));
    let error = livepatch.revert(&mut kernel, &ONE).unwrap_err();
    let ActionError::Calls(found) = error else {
        panic!("{error}");
    };
    assert_eq!(found.function.as_str(), "kernel::function_2");
    assert_eq!((found.who, kernel.text()), (Who::Thread(4), text));
    kernel.threads.clear();
    livepatch.revert(&mut kernel, &ONE).unwrap();
}

/// Code of a payload that is in none of its functions has the payload's name.
#[test]
fn b29_other_code_of_the_payload() {
    let (livepatch, mut kernel) = (Livepatch::<1>::new(), Fake::new());
    let mut payload = patch(1, &[1], 9);
    payload.text.resize(16, 0);
    load(&livepatch, &mut kernel, &payload).unwrap();
    livepatch.apply(&mut kernel, &ONE).unwrap();
    kernel.this_cpu.pc = PAYLOADS + 32;
    let error = livepatch.revert(&mut kernel, &ONE).unwrap_err();
    assert!(
        error.to_string().starts_with("payload-1 is busy"),
        "{error}"
    );
}

/// A stacked payload replaces the function of the one below: that is busy too.
#[test]
fn b29_the_function_of_the_payload_below() {
    let (livepatch, mut kernel) = loaded();
    livepatch.apply(&mut kernel, &ONE).unwrap();
    let mut second = patch(2, &[2], 8);
    second.parent = ONE;
    load(&livepatch, &mut kernel, &second).unwrap();
    // In A's function 1, which B leaves alone.
    kernel.this_cpu.pc = PAYLOADS;
    livepatch.apply(&mut kernel, &[2; 20]).unwrap();
    kernel.this_cpu.pc = 0;
    livepatch.revert(&mut kernel, &[2; 20]).unwrap();
    for at in [PAYLOADS + 8, address(2) + 4] {
        kernel.this_cpu.pc = at;
        let error = livepatch.apply(&mut kernel, &[2; 20]).unwrap_err();
        assert!(matches!(error, ActionError::Calls(_)), "{error}");
    }
    kernel.this_cpu.pc = 0;
    // Replacing A: all of A is to be on no stack.
    let mut third = patch(3, &[4], 8);
    third.parent = crate::kernel::IMAGE;
    load(&livepatch, &mut kernel, &third).unwrap();
    kernel.this_cpu.pc = PAYLOADS;
    let error = livepatch.replace(&mut kernel, &[3; 20]).unwrap_err();
    assert!(matches!(error, ActionError::Calls(_)), "{error}");
    kernel.this_cpu.pc = 0;
    livepatch.replace(&mut kernel, &[3; 20]).unwrap();
}

#[test]
fn pointer_authentication_codes_do_not_hide_a_call() {
    let signed = |address: u64| address & !(0x7f << 48) | 0x2a << 48;
    let at = signed(address(2) + 8);
    assert_ne!(at, address(2) + 8);
    let error = busy(Who::Cpu(2), &[signed(ELSEWHERE), at, signed(ELSEWHERE)]);
    let ActionError::Calls(found) = error else {
        panic!("{error}");
    };
    assert_eq!((found.at, found.caller), (address(2) + 8, ELSEWHERE));
}

/// The places of a walk.
fn places(kernel: &Fake, frame: Frame) -> (Vec<Place>, Result<(), WalkError>) {
    let mut places = Vec::new();
    let result = walk(kernel, Who::Cpu(1), frame, |place| {
        places.push(place);
        None::<()>
    });
    (places, result.map(|found| assert_eq!(found, None)))
}

#[test]
fn a_walk_visits_each_return_address() {
    let mut kernel = Fake::new();
    let (mut frame, stack) = records(Who::Cpu(1), &[0x1008, 0x2008, 0x3008]);
    kernel.stacks.push(stack);
    frame.lr = 0x4008;
    let returns = [0x4008, 0x1008, 0x2008, 0x3008].map(Place::Return);
    let all = [&[Place::Pc(ELSEWHERE)], &returns[..]].concat();
    assert_eq!(places(&kernel, frame), (all.clone(), Ok(())));
    // It stops at the bottom that the kernel reports.
    let second = |place| (place == Place::Return(0x1008)).then_some(7);
    assert_eq!(walk(&kernel, Who::Cpu(1), frame, second), Ok(Some(7)));
    // Of other owners there is no stack.
    let reason = WalkReason::OutsideStack;
    let error = walk(&kernel, Who::Cpu(2), frame, |_| None::<()>).unwrap_err();
    assert_eq!((error.reason, error.record), (reason, STACK + 16));
    // A record of two zeros ends the chain.
    kernel.stacks[0].2[4..6].copy_from_slice(&[0, 0]);
    assert_eq!(places(&kernel, frame).0, all[..3]);
    // One without a next record is.
    kernel.stacks[0].2[2] = 0;
    assert_eq!(places(&kernel, frame).0, all[..3]);
}

#[test]
fn a_walk_ends_at_the_bottom_that_the_kernel_names() {
    let mut kernel = Fake::new();
    let (frame, mut stack) = records(Who::Cpu(1), &[0x1008, 0x2008]);
    // The last record leads nowhere.
    stack.2[4] = 0xdead_beef;
    kernel.stacks.push(stack);
    let error = places(&kernel, frame).1.unwrap_err();
    let expected = WalkError {
        who: Who::Cpu(1),
        record: 0xdead_beef,
        after: 0x2008,
        reason: WalkReason::Misaligned,
    };
    assert_eq!(error, expected);
    kernel.bottom = Some(0x2008);
    assert_eq!(places(&kernel, frame).1, Ok(()));
}

#[test]
fn broken_chains_end_with_a_finding() {
    use WalkReason::{Backwards, Misaligned, OutsideStack};
    for (next, reason) in [
        (STACK + 17, Misaligned),
        (STACK + 20, Misaligned),
        (STACK + 16, Backwards),
        (STACK + 8, Backwards),
        (STACK + 24, Backwards),
        (STACK - 8, OutsideStack),
        (STACK + 0x1000, OutsideStack),
        // Half of it is outside.
        (STACK + 8 * 7, OutsideStack),
        (u64::MAX - 7, OutsideStack),
    ] {
        let mut kernel = Fake::new();
        let (frame, mut stack) = records(Who::Cpu(1), &[0x1008, 0x2008, 0x3008]);
        stack.2[2] = next;
        stack.2.truncate(8);
        kernel.stacks.push(stack);
        let (places, result) = places(&kernel, frame);
        assert_eq!(places.len(), 3, "{next:#x}");
        let error = result.unwrap_err();
        assert_eq!((error.record, error.reason), (next, reason), "{next:#x}");
        assert!(error.to_string().contains("CPU 1"));
        // A payload is not applied then: the function may be on the rest of the stack.
        let livepatch = Livepatch::<1>::new();
        load(&livepatch, &mut kernel, &patch(1, &[1], 9)).unwrap();
        kernel.cpus.push((1, frame));
        let text = kernel.text();
        let applied = livepatch.apply(&mut kernel, &ONE);
        assert_eq!(applied, Err(ActionError::Stack(error)));
        assert_eq!(kernel.text(), text);
    }
    // A record below the stack pointer has been left.
    let mut kernel = Fake::new();
    let (mut frame, stack) = records(Who::Cpu(1), &[0x1008, 0x2008]);
    kernel.stacks.push(stack);
    frame.sp = STACK + 32;
    assert_eq!(places(&kernel, frame).1.unwrap_err().reason, Backwards);
}

#[test]
fn a_chain_may_change_the_stack_but_not_for_ever() {
    let mut kernel = Fake::new();
    let (frame, mut stack) = records(Who::Cpu(1), &[0x1008, 0x2008]);
    // From an interrupt's stack to a thread's, at a higher or lower address.
    for other in [OTHER_STACK, STACK - 0x1_0000] {
        stack.2[4] = other;
        kernel.stacks = vec![stack.clone(), (Who::Cpu(1), other, vec![0, 0x3008])];
        let (places, result) = places(&kernel, frame);
        assert_eq!((places.len(), result), (5, Ok(())));
        assert_eq!(places[4], Place::Return(0x3008));
    }
    // Back and forth.
    stack.2[4] = OTHER_STACK;
    kernel.stacks = vec![stack, (Who::Cpu(1), OTHER_STACK, vec![STACK + 16, 0x3008])];
    let error = places(&kernel, frame).1.unwrap_err();
    assert_eq!(error.reason, WalkReason::TooManyStacks);
}

#[test]
fn every_word_of_a_stack() {
    let (livepatch, mut kernel) = loaded();
    kernel.search = StackSearch::EveryWord;
    let words = vec![address(1) + 8, 3, 0, address(2) + 8, 5];
    kernel.stacks.push((Who::Cpu(1), STACK, words));
    let mut frame = Frame {
        pc: ELSEWHERE,
        lr: ELSEWHERE,
        fp: 0x1234_5677,
        sp: STACK + 8,
    };
    kernel.cpus.push((1, frame));
    // This CPU has a stack too.
    kernel.this_cpu = frame;
    kernel.stacks.push((Who::Cpu(0), STACK, vec![0; 5]));
    let error = livepatch.apply(&mut kernel, &ONE).unwrap_err();
    let ActionError::Calls(found) = error else {
        panic!("{error}");
    };
    // What is below the stack pointer does not count; the next word is not the caller.
    assert_eq!(found.function.as_str(), "kernel::function_2");
    assert_eq!(found.caller, 0);
    frame.sp = STACK + 32;
    kernel.cpus[0].1 = frame;
    livepatch.apply(&mut kernel, &ONE).unwrap();
    livepatch.revert(&mut kernel, &ONE).unwrap();
    // Without a stack there is no answer.
    frame.sp = OTHER_STACK;
    kernel.cpus[0].1 = frame;
    let error = livepatch.apply(&mut kernel, &ONE).unwrap_err();
    let is_outside = matches!(error, ActionError::Stack(error)
        if error.reason == WalkReason::OutsideStack && error.record == OTHER_STACK);
    assert!(is_outside, "{error}");
}

#[test]
fn shadow_stacks_are_searched_as_well_or_alone() {
    for search in [StackSearch::FrameRecords, StackSearch::ShadowStack] {
        let (livepatch, mut kernel) = loaded();
        kernel.search = search;
        let fp = match search {
            StackSearch::FrameRecords => 0,
            // Not looked at.
            _ => 0x1234_5677,
        };
        let (pc, lr, sp) = (ELSEWHERE, ELSEWHERE, 0);
        kernel.threads.push((5, Frame { pc, lr, fp, sp }));
        let shadow = vec![ELSEWHERE, address(2) + 12, ELSEWHERE];
        kernel.shadow_stacks.push((Who::Thread(5), shadow));
        let error = livepatch.apply(&mut kernel, &ONE).unwrap_err();
        let is_found = matches!(error, ActionError::Calls(found)
            if found.who == Who::Thread(5) && found.at == address(2) + 12);
        assert!(is_found, "{error}");
        kernel.shadow_stacks[0].1[1] = ELSEWHERE;
        livepatch.apply(&mut kernel, &ONE).unwrap();
    }
}

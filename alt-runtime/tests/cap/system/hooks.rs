//! Hooks: what each CPU does for the cpucaps of the system.

use alt_runtime::cap::{
    CapSet, Enable, IdRegs, LatePolicy, Scope, SystemView, idregs::Register::ID_AA64ISAR0_EL1,
    run_hooks,
};

use super::fixture::{A, B, C, cpu, info, table};

#[test]
fn hooks_run_for_the_caps_of_their_time_on_every_cpu() {
    use std::cell::RefCell;
    thread_local! {
        static RAN: RefCell<Vec<(&'static str, u64)>> = const { RefCell::new(Vec::new()) };
    }
    fn note(name: &'static str, regs: &IdRegs) {
        RAN.with_borrow_mut(|ran| ran.push((name, regs.get(ID_AA64ISAR0_EL1))));
    }
    // Not in the order of the caps: hooks run in the order of the list.
    const HOOKS: &[Enable] = &[
        Enable {
            cap: C,
            run: |regs| note("local", regs),
        },
        Enable {
            cap: A,
            run: |regs| note("boot", regs),
        },
        Enable {
            cap: B,
            run: |regs| note("system", regs),
        },
        Enable {
            cap: A,
            run: |regs| note("boot again", regs),
        },
    ];
    let ran = |caps: &CapSet, regs: &IdRegs| {
        run_hooks(HOOKS, caps, regs);
        RAN.take()
    };
    let table = table([
        info(A, Scope::Boot, LatePolicy::BootFeature),
        info(B, Scope::System, LatePolicy::SystemFeature),
        info(C, Scope::Local, LatePolicy::WeakLocalFeature),
    ]);
    let (boot_cpu, secondary) = (cpu(&[A, B, C]), cpu(&[A, B]));

    let mut view = SystemView::new(table, &boot_cpu).unwrap();
    let early = [("boot", 0x1_0110), ("boot again", 0x1_0110)];
    assert_eq!(ran(view.boot_caps(), &boot_cpu), early);
    assert!(view.add_cpu(&secondary).is_ok());
    let early = [("boot", 0x1_0100), ("boot again", 0x1_0100)];
    assert_eq!(ran(view.boot_caps(), &secondary), early);

    let system = view.finalise().unwrap();
    // The secondary CPU lacks C, and its hook gets its registers.
    let later = |word| [("local", word), ("system", word)];
    assert_eq!(ran(&system.later_caps(), &boot_cpu), later(0x1_0110));
    assert_eq!(ran(&system.later_caps(), &secondary), later(0x1_0100));

    let word = 0x1_0100;
    let both = [
        ("local", word),
        ("boot", word),
        ("system", word),
        ("boot again", word),
    ];
    assert!(system.late_cpu(&secondary).is_ok());
    assert_eq!(ran(system.caps(), &secondary), both);

    // The hook of an absent cap does not run.
    let without = SystemView::new(table, &cpu(&[]))
        .unwrap()
        .finalise()
        .unwrap();
    assert_eq!(ran(without.caps(), &boot_cpu), []);
}

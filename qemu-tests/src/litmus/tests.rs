use super::*;
use crate::{Image, Profile, guest, mutants, skip};

#[test]
fn answers_fit_the_scenarios() {
    let tests = all().unwrap();
    for (name, _) in SCENARIOS {
        let of_it: Vec<_> = tests.iter().filter(|test| test.scenario == name).collect();
        assert!(of_it.len() >= 4, "{name}");
        // The patching sequence is correct, and the model notices each error in it.
        for test in &of_it {
            let is_forbidden = test.expected == Answer::Forbidden;
            assert!(test.change != "complete" || is_forbidden, "{test:?}");
        }
    }
    let bad = tests
        .iter()
        .filter(|test| test.expected != Answer::Forbidden);
    assert!(bad.count() > 50);
}

/// herd7 reads the text that is generated from a scenario, and the file itself.
#[test]
fn text_is_that_of_the_file_but_for_blanks() {
    let words = |text: &str| -> Vec<String> {
        let words = text.split_whitespace();
        words.map(str::to_owned).collect()
    };
    for test in all().unwrap() {
        if test.change == "complete" && test.caches == Caches::ALL[0] {
            let (_, file) = SCENARIOS
                .iter()
                .find(|(name, _)| *name == test.scenario)
                .unwrap();
            assert_eq!(words(&test.text(test.scenario)), words(file));
        }
    }
}

#[test]
fn a_change_is_made_where_it_is_asked_for() {
    let held = scenario("held", Caches::ALL[0]).unwrap();
    let line = |program: &Program, cpu, index: usize| program.cpu(cpu)[index].clone();
    let second = held.clone().changed("P0 without DSB ISH (2)").unwrap();
    assert_eq!(line(&second, 0, 4), "DSB ISH");
    assert_eq!(line(&second, 0, 6), "ISB");
    let plain = held
        .clone()
        .changed("P1 with LDR W2,[X3] for LDAR W2,[X3]")
        .unwrap();
    assert_eq!(line(&plain, 1, 1), "LDR W2,[X3]");
    for (change, why) in [
        ("P0 without DSB SY", "P0 has no `DSB SY`"),
        ("P0 without DSB ISH (2) (2)", "P0 has no `DSB ISH (2)`"),
        ("P7 without ISB", "`P7 without ISB` is no change"),
        ("P0 with ISB", "`P0 with ISB` is no change"),
        ("P0 minus ISB", "`P0 minus ISB` is no change"),
        ("nothing", "`nothing` is no change"),
    ] {
        assert_eq!(held.clone().changed(change).unwrap_err(), why);
    }
    // With DIC, neither IC nor the DSB after it.
    let dic = scenario("two-words", Caches::ALL[2]).unwrap();
    let left: Vec<_> = dic.cpu(0).iter().skip(7).collect();
    assert_eq!(left, ["DSB ISH", "ISB", "STLR W2,[X3]"]);
}

/// What herd7 7.58 prints.
#[test]
fn observations_are_read() {
    let never = "Test held Allowed\nNo\nFlag Assuming-common-inner-shareable-domain\n\
                 Observation held Never 0 8\nTime held 0.05\n";
    assert_eq!(Answer::observed(never), Some(Answer::Forbidden));
    let some = never.replace("Never 0 8", "Sometimes 1 8");
    assert_eq!(Answer::observed(&some), Some(Answer::Allowed));
    let conflict = format!("Flag violates-CMODX-requirements\n{never}");
    assert_eq!(Answer::observed(&conflict), Some(Answer::Conflict));
    assert_eq!(Answer::observed("Warning: File \"x\": unknown\n"), None);
}

#[test]
fn routines_are_those_of_the_scenarios_in_every_profile() {
    if skip::without_guests("routines_are_those_of_the_scenarios_in_every_profile") {
        return;
    }
    for profile in Profile::ALL {
        let image = Image::open(&guest::build("kernel-demo", profile).unwrap()).unwrap();
        assert_eq!(
            routines_are_those_of_the_scenarios(&image),
            Ok(()),
            "{profile}"
        );
    }
}

/// A step left out of the routines is noticed, also where no emulator shows it.
#[test]
fn other_routines_are_noticed() {
    if skip::without_guests("other_routines_are_noticed") {
        return;
    }
    let kernel = guest::build("kernel-demo", Profile::Release).unwrap();
    let image = Image::open(&kernel).unwrap();
    for name in [
        "no-dc",
        "no-first-dsb",
        "no-ic",
        "no-second-dsb",
        "no-isb",
        "ic-before-dc",
        "no-isb-elsewhere",
        "no-branch-elsewhere",
    ] {
        let mut all = mutants::all().iter();
        let mutant = all.find(|mutant| mutant.name == name).unwrap();
        let spoilt = mutant.spoil(&image).unwrap();
        let said = routines_are_those_of_the_scenarios(spoilt.image());
        assert!(said.is_err(), "{name}");
    }
}

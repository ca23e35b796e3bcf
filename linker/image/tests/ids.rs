//! ID registers of machines, from each form of file, and built in.

use alt_image::caps::ids::{At, IdsError, Machine, builtin, read};
use alt_runtime::cap::idregs::Register;

fn one(text: &str) -> Machine {
    let machines = read("m", text).unwrap_or_else(|error| panic!("{error}"));
    let [machine] = &machines[..] else {
        panic!("{machines:?}");
    };
    machine.clone()
}

fn at(line: usize) -> At {
    At {
        file: "m".into(),
        line,
    }
}

#[track_caller]
fn refused(text: &str) -> IdsError {
    read("m", text).unwrap_err()
}

#[test]
fn a_list_of_machines() {
    let text = r#"
        # Two.
        [[machine]]
        qemu = "10.0"
        cpu = "max,sve=off"
        machine = "virt,gic-version=2"
        MIDR_EL1 = "0x000f0510"
        ID_AA64ISAR0_EL1 = "0xFFFFffff00000001"

        [[machine]]
        MIDR_EL1 = "0x410fd034"
    "#;
    let machines = read("m", text).unwrap();
    let [max, a53] = &machines[..] else {
        panic!("{machines:?}");
    };
    assert_eq!(max.to_string(), "max,sve=off/virt,gic-version=2@10.0");
    assert_eq!(max.ids.get(Register::MIDR_EL1), 0xf0510);
    assert_eq!(
        max.ids.get(Register::ID_AA64ISAR0_EL1),
        0xffff_ffff_0000_0001
    );
    assert_eq!(max.missing.len(), Register::COUNT - 2);
    assert_eq!(a53.ids.get(Register::MIDR_EL1), 0x410f_d034);
    assert_eq!(a53.ids.get(Register::ID_AA64ISAR0_EL1), 0);
    assert!(!a53.missing.contains(&Register::MIDR_EL1));
    assert_eq!(a53.to_string(), "a CPU of no name");
}

#[test]
fn one_machine_at_the_top_level() {
    let text = "CTR_EL0 = \"0x8444c004\"\ncpu = 'board'\nmachine = \"mine\"\nMIDR_EL1 = \"0x1\"\n";
    let machine = one(text);
    assert_eq!(machine.ids.get(Register::CTR_EL0), 0x8444_c004);
    assert_eq!(machine.ids.get(Register::MIDR_EL1), 1);
    assert_eq!(machine.to_string(), "board/mine");
    assert_eq!(machine.qemu, None);
}

#[test]
fn plain_lines() {
    let machine = one("# a board\n\nMIDR_EL1=0x410fd034\n  CTR_EL0=0x84448004  \r\n");
    assert_eq!(machine.ids.get(Register::MIDR_EL1), 0x410f_d034);
    assert_eq!(machine.ids.get(Register::CTR_EL0), 0x8444_8004);
    assert_eq!(machine.missing.len(), Register::COUNT - 2);
}

#[test]
fn a_saved_log() {
    let text = "\
        Booting...\n\
        [0.000123] INFO  cpu midr=0x410fd034\n\
        [0.000125] INFO  idreg MIDR_EL1=0x00000000410fd034\n\
        \u{1b}[32mINFO\u{1b}[0m idreg CTR_EL0=0x0000000084448004\u{1b}[0m\n\
        kernel.rs:170 idreg DCZID_EL0=0x4 (kernel_demo kernel.rs:170)\n\
        idreg ID_AA64PFR0_EL1=0x22\n\
        MIDR_EL1=0xbad is not what the log says\n\
        the idreg lines end here\n\
        report x=0x1\n";
    let machine = one(text);
    let get = |register| machine.ids.get(register);
    assert_eq!(get(Register::MIDR_EL1), 0x410f_d034);
    assert_eq!(get(Register::CTR_EL0), 0x8444_8004);
    assert_eq!(get(Register::DCZID_EL0), 4);
    assert_eq!(get(Register::ID_AA64PFR0_EL1), 0x22);
    assert_eq!(machine.missing.len(), Register::COUNT - 4);
}

#[test]
fn all_registers_leave_none_missing() {
    let text: String = Register::ALL
        .iter()
        .zip(1..)
        .map(|(register, value)| format!("idreg {register}={value:#018x}\n"))
        .collect();
    let machine = one(&text);
    assert!(machine.missing.is_empty());
    for (register, value) in Register::ALL.iter().zip(1..) {
        assert_eq!(machine.ids.get(*register), value, "{register}");
    }
}

#[test]
fn unknown_registers_are_named() {
    for (text, line) in [
        ("\nMIDR_EL2=0x1\n", 2),
        ("x\nlog idreg MIDR_EL2=0x1\n", 2),
        ("MIDR_EL1 = \"0x1\"\n\nMIDR_EL2 = \"0x1\"", 3),
        ("[[machine]]\nMIDR_EL1 = \"0x1\"\nMIDR_EL2 = \"0x1\"", 3),
    ] {
        let name = "MIDR_EL2".to_owned();
        assert_eq!(
            refused(text),
            IdsError::UnknownRegister { at: at(line), name },
            "{text}"
        );
    }
    assert_eq!(
        refused("MIDR_EL2=0x1").to_string(),
        "m:1: unknown ID register `MIDR_EL2`; names are the Arm ARM's, such as ID_AA64ISAR0_EL1"
    );
}

#[test]
fn bad_numbers_are_shown() {
    for number in [
        "0x",
        "12",
        "0xg",
        "0x1_0",
        "0x+1",
        "0x10000000000000000",
        "-0x1",
        "",
    ] {
        for (text, line) in [
            (format!("CTR_EL0=0x1\nMIDR_EL1={number}\n"), 2),
            (format!("log\n\nidreg MIDR_EL1={number}\n"), 3),
            (format!("MIDR_EL1 = \"{number}\""), 1),
            (format!("[[machine]]\n\n\nMIDR_EL1 = '{number}'"), 4),
        ] {
            let expected = IdsError::BadNumber {
                at: at(line),
                register: Register::MIDR_EL1,
                number: number.to_owned(),
            };
            assert_eq!(refused(&text), expected, "{text}");
        }
    }
    assert_eq!(
        refused("MIDR_EL1 = \"12\"").to_string(),
        "m:1: MIDR_EL1 is `12`, and must be 0x and 1 to 16 hexadecimal digits"
    );
}

#[test]
fn duplicates_are_refused() {
    for (text, line) in [
        ("MIDR_EL1=0x1\nMIDR_EL1=0x1\n", 2),
        ("idreg MIDR_EL1=0x1\nreboot\nidreg MIDR_EL1=0x1\n", 3),
        ("MIDR_EL1 = \"0x1\"\nMIDR_EL1 = \"0x1\"\n", 2),
        (
            "[[machine]]\nMIDR_EL1 = \"0x1\"\n# x\nMIDR_EL1 = \"0x1\"\n",
            4,
        ),
    ] {
        let name = "MIDR_EL1".to_owned();
        let error = refused(text);
        assert_eq!(error, IdsError::Duplicate { at: at(line), name }, "{text}");
        let start = format!("m:{line}: `MIDR_EL1` occurs twice");
        assert!(error.to_string().starts_with(&start), "{error}");
    }
}

#[test]
fn files_without_registers_are_refused() {
    for text in [
        "",
        "\n\n",
        "# MIDR_EL1=0x1\n",
        "cpu = \"max\"",
        "machine = []",
    ] {
        assert_eq!(
            refused(text),
            IdsError::Empty { file: "m".into() },
            "{text}"
        );
    }
    assert!(
        refused("")
            .to_string()
            .starts_with("m: the file has no ID registers; ")
    );
    let text = "[[machine]]\nMIDR_EL1 = \"0x1\"\n\n[[machine]]\ncpu = \"max\"\n";
    let error = refused(text);
    assert_eq!(error, IdsError::NoRegisters { at: at(4) });
    assert_eq!(error.to_string(), "m:4: this machine has no ID registers");
}

#[test]
fn other_texts_are_refused() {
    let error = refused("MIDR_EL1=0x1\nfoo bar\n");
    let text = "foo bar".to_owned();
    assert_eq!(error, IdsError::NotALine { at: at(2), text });
    assert_eq!(error.to_string(), "m:2: `foo bar` is not NAME=0x…");

    let error = refused("\nBooting Linux\n");
    assert!(
        matches!(&error, IdsError::Toml { at, .. } if at.line == 2),
        "{error:?}"
    );
    assert!(
        error
            .to_string()
            .starts_with("m:2: neither a log with lines"),
        "{error}"
    );

    for (text, line, message) in [
        (
            "\nMIDR_EL1 = 17",
            2,
            "`MIDR_EL1` is integer, and must be a string",
        ),
        (
            "[[machine]]\nMIDR_EL1 = true",
            2,
            "`MIDR_EL1` is boolean, and must be a string",
        ),
        (
            "machine = [1]",
            1,
            "`machine` is integer, and must be a list of tables",
        ),
        (
            "\n[machine]\n",
            2,
            "`machine` is table, and must be a list: write [[machine]]",
        ),
        (
            "MIDR_EL1 = \"0x1\"\n[[machine]]\n",
            1,
            "`MIDR_EL1` is string, and must be within a [[machine]]",
        ),
    ] {
        let error = refused(text);
        assert!(matches!(&error, IdsError::WrongType { .. }), "{error:?}");
        assert_eq!(error.to_string(), format!("m:{line}: {message}"));
    }
}

#[test]
fn built_in_machines_are_found() {
    // MIDR_EL1 as Arm's manuals of the CPUs give it.
    for (asked, midr, found) in [
        ("cortex-a53", 0x410f_d034, "cortex-a53@10.0"),
        ("cortex-a76", 0x414f_d0b1, "cortex-a76@10.0"),
        ("cortex-a76@7.2", 0x414f_d0b1, "cortex-a76@7.2"),
        ("cortex-a72", 0x410f_d083, "cortex-a72@10.0"),
    ] {
        let machine = builtin(asked).unwrap();
        assert_eq!(machine.ids.get(Register::MIDR_EL1), midr, "{asked}");
        assert_eq!(machine.to_string(), found);
        assert!(machine.missing.is_empty());
    }
    let machine = builtin("max,pauth=off").unwrap();
    assert_eq!(machine.cpu.as_deref(), Some("max,pauth=off"));
    assert_eq!(machine.machine.as_deref(), Some("virt,gic-version=3"));
    let machine = builtin("max/mte=on@7.2").unwrap();
    assert_eq!(
        machine.machine.as_deref(),
        Some("virt,gic-version=3,mte=on")
    );
    assert_eq!(machine.to_string(), "max/mte=on@7.2");
    // Only of the older version.
    assert_eq!(builtin("max,vfp=off").unwrap().qemu.as_deref(), Some("7.2"));
}

#[test]
fn every_built_in_machine_is_found_by_its_name() {
    let machines = read("qemu.toml", include_str!("../cpus/qemu.toml")).unwrap();
    assert_eq!(machines.len(), 41);
    for machine in machines {
        assert_eq!(builtin(&machine.to_string()), Ok(machine));
    }
}

#[test]
fn unknown_machines_list_the_known() {
    for asked in [
        "cortex-a99",
        "cortex-a99@10.0",
        "max/gic-version=2",
        "",
        "@7.2",
    ] {
        let error = builtin(asked).unwrap_err();
        let IdsError::UnknownCpu { cpu, known } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(cpu, asked.split('@').next().unwrap());
        assert!(known.is_sorted_by(|a, b| a < b), "{known:?}");
        for name in ["a64fx", "cortex-a76", "max", "max,pauth=off", "max/mte=on"] {
            assert!(known.iter().any(|known| known == name), "{name}");
        }
        assert!(
            error
                .to_string()
                .contains("use one of: a64fx, cortex-a35, "),
            "{error}"
        );
    }
    let error = builtin("max@9.2").unwrap_err();
    assert_eq!(
        error,
        IdsError::UnknownVersion {
            cpu: "max".into(),
            version: "9.2".into(),
            known: vec!["7.2".into(), "10.0".into()],
        }
    );
    assert_eq!(
        error.to_string(),
        "the registers of `max` are not known for QEMU 9.2, but for 7.2, 10.0"
    );
}

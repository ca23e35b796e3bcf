//! The harness with guests that end, hang, reset, crash, and write invalid logs.
//!
//! The words are those of GNU as for the text beside them.

use super::*;
use crate::skip;
use crate::{Level, disasm};
use test_support::{ImageError, TinyElf};

/// Logs `hello`: sends the frame 01 7e 00 (message 1, no arguments) to the PL011.
const HELLO: &[u32] = &[
    0xd2a1_2001, // mov x1, #0x9000000
    0x5280_0022, // mov w2, #1
    0xb900_0022, // str w2, [x1]
    0x5280_0fc2, // mov w2, #0x7e
    0xb900_0022, // str w2, [x1]
    0xb900_003f, // str wzr, [x1]
];

/// Sends a frame without a message after it: 02 02 00.
const NOISE: &[u32] = &[
    0xd2a1_2001, // mov x1, #0x9000000
    0x5280_0042, // mov w2, #2
    0xb900_0022, // str w2, [x1]
    0xb900_0022, // str w2, [x1]
    0xb900_003f, // str wzr, [x1]
];

/// Writes the outcome 1, 5, 6, 7.
const OUTCOME: &[u32] = &[
    0xd2a8_0403, // mov x3, #0x40200000
    0x5280_0024, // mov w4, #1
    0xb902_0064, // str w4, [x3, #0x200]
    0x5280_00a4, // mov w4, #5
    0xb902_0464, // str w4, [x3, #0x204]
    0x5280_00c4, // mov w4, #6
    0xb902_0864, // str w4, [x3, #0x208]
    0x5280_00e4, // mov w4, #7
    0xb902_0c64, // str w4, [x3, #0x20c]
];

/// Adds one to the word at 0x100 of the text.
const PATCH: &[u32] = &[
    0xd2a8_0403, // mov x3, #0x40200000
    0xb941_0064, // ldr w4, [x3, #0x100]
    0x1100_0484, // add w4, w4, #1
    0xb901_0064, // str w4, [x3, #0x100]
];

/// PSCI SYSTEM_OFF.
const OFF: &[u32] = &[
    0x52b0_8000, // mov w0, #0x84000000
    0x7280_0100, // movk w0, #8
    0xd400_0002, // hvc #0
];

/// PSCI SYSTEM_RESET.
const RESET: &[u32] = &[
    0x52b0_8000, // mov w0, #0x84000000
    0x7280_0120, // movk w0, #9
    0xd400_0002, // hvc #0
];

/// Leaves QEMU by semihosting SYS_EXIT_EXTENDED.
const EXIT: &[u32] = &[
    0xd2a8_0401, // mov x1, #0x40200000
    0x9108_0021, // add x1, x1, #0x200
    0x5280_0400, // mov w0, #0x20
    0xd45e_0000, // hlt #0xf000
];

const HANG: &[u32] = &[0x1400_0000]; // b .

fn run_on(words: &[&[u32]], machine: Machine) -> Result<Run> {
    let qemu = Qemu::find()?;
    let (_directory, path) = TinyElf::new(&words.concat()).write();
    let image = Image::open(&path)?;
    Launch::new(&image, machine)
        .timeout(Duration::from_secs(3))
        .run(&qemu)
}

fn run(words: &[&[u32]]) -> Result<Run> {
    run_on(words, Machine::new("cortex-a57"))
}

fn hello() -> LogLine {
    LogLine {
        level: Some(Level::Info),
        message: "hello".into(),
    }
}

#[test]
fn guest_that_ends_leaves_log_outcome_and_memory() {
    if skip::without_guests("guest_that_ends_leaves_log_outcome_and_memory") {
        return;
    }
    let run = run(&[HELLO, OUTCOME, PATCH, OFF]).unwrap();
    assert_eq!(run.log, [hello()]);
    let expected = Outcome {
        status: Status::Ok,
        caps: 5,
        sites: 6,
        patched: 7,
    };
    assert_eq!(run.outcome, expected);
    assert_eq!(run.before.words(TinyElf::TEXT, 2).unwrap(), HELLO[..2]);
    assert_eq!(run.before.word(TinyElf::TEXT + 0x100).unwrap(), 0);
    assert_eq!(run.after.word(TinyElf::TEXT + 0x100).unwrap(), 1);
}

#[test]
fn capture_adds_a_range() {
    if skip::without_guests("capture_adds_a_range") {
        return;
    }
    let qemu = Qemu::find().unwrap();
    let (_directory, path) = TinyElf::new(OFF).write();
    let image = Image::open(&path).unwrap();
    // The start of RAM, where QEMU puts the device tree of an ELF guest (magic d00dfeed).
    let run = Launch::new(&image, Machine::new("cortex-a57"))
        .capture(0x4000_0000..0x4000_0010)
        .run(&qemu)
        .unwrap();
    assert_eq!(
        run.before.bytes(0x4000_0000, 4).unwrap(),
        [0xd0, 0x0d, 0xfe, 0xed]
    );
    assert_eq!(run.outcome.status, Status::Unfinished);
}

#[test]
fn guest_that_hangs_is_told_with_its_log_and_place() {
    if skip::without_guests("guest_that_hangs_is_told_with_its_log_and_place") {
        return;
    }
    let started = Instant::now();
    let error = run_on(&[HELLO, HANG], Machine::new("cortex-a57").smp(2)).unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(30));
    let Error::Hung { after, cpus, log } = &error else {
        panic!("{error}");
    };
    assert_eq!(*after, Duration::from_secs(3));
    assert_eq!(*log, [hello()]);
    assert_eq!(cpus[0], "0x40200018 tiny::entry+0x18");
    assert_eq!(cpus.len(), 2);
    assert!(
        error
            .to_string()
            .ends_with("the last log line of the guest: hello"),
        "{error}"
    );
}

#[test]
fn guest_that_resets_is_told_from_one_that_ends() {
    if skip::without_guests("guest_that_resets_is_told_from_one_that_ends") {
        return;
    }
    let error = run(&[HELLO, OUTCOME, RESET]).unwrap_err();
    assert!(
        matches!(&error, Error::GuestStopped { reason, log } if reason == "guest-reset" && *log == [hello()]),
        "{error:?}"
    );
}

#[test]
fn guest_that_takes_qemu_down_is_told() {
    if skip::without_guests("guest_that_takes_qemu_down_is_told") {
        return;
    }
    let machine = Machine::new("cortex-a57").args(["-semihosting-config", "enable=on"]);
    let error = run_on(&[HELLO, EXIT], machine).unwrap_err();
    assert!(
        matches!(&error, Error::QemuExited { log, .. } if *log == [hello()]),
        "{error:?}"
    );
}

#[test]
fn wrong_cpu_is_reported_in_qemus_words() {
    if skip::without_guests("wrong_cpu_is_reported_in_qemus_words") {
        return;
    }
    let error = run_on(&[OFF], Machine::new("cortex-z1")).unwrap_err();
    assert!(
        matches!(&error, Error::QemuExited { stderr, .. } if stderr.contains("cortex-z1")),
        "{error:?}"
    );
}

#[test]
fn command_that_qemu_refuses_is_named() {
    if skip::without_guests("command_that_qemu_refuses_is_named") {
        return;
    }
    let qemu = Qemu::find().unwrap();
    let (_directory, path) = TinyElf::new(OFF).write();
    let image = Image::open(&path).unwrap();
    let launch = Launch::new(&image, Machine::new("cortex-a57"));
    let mut session = Session::start(&launch, &qemu, None).unwrap();
    let result = session.execute("no-such-command", json!({}));
    assert!(
        matches!(&result, Err(Error::Qmp { command, .. }) if command == "no-such-command"),
        "{result:?}"
    );
}

#[test]
fn frame_that_cannot_be_decoded_is_an_error_line() {
    if skip::without_guests("frame_that_cannot_be_decoded_is_an_error_line") {
        return;
    }
    let run = run(&[NOISE, HELLO, OFF]).unwrap();
    assert_eq!(run.log.len(), 2, "{:?}", run.log);
    assert!(run.log[0].is_error());
    assert_eq!(run.log[1], hello());
}

#[test]
fn image_without_outcome_is_refused() {
    if skip::without_guests("image_without_outcome_is_refused") {
        return;
    }
    let qemu = Qemu::find().unwrap();
    let (_directory, path) = TinyElf::new(OFF).without("demo_outcome").write();
    let image = Image::open(&path).unwrap();
    let result = Launch::new(&image, Machine::new("cortex-a57")).run(&qemu);
    assert!(
        matches!(result, Err(Error::Image(ImageError::NoSymbol { symbol, .. })) if symbol == "demo_outcome")
    );
}

#[test]
fn outcome_is_read_in_the_order_of_the_protocol() {
    let status = |word| Outcome::from_words(&[word, 7, 20, 11]).status;
    assert_eq!(status(0), Status::Unfinished);
    assert_eq!(status(1), Status::Ok);
    assert_eq!(status(2), Status::Failed);
    assert_eq!(status(3), Status::Unknown(3));
}

#[test]
fn words_of_these_guests_are_what_the_comments_say() {
    assert_eq!(disasm::instruction(PATCH[3], 0), "str w4, [x3, #0x100]");
    assert_eq!(disasm::instruction(EXIT[3], 0), "hlt #0xf000");
}

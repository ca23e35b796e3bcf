//! A kernel, payloads for it, and a run of commands.

use object::read::elf::ElfFile64;
use object::{LittleEndian, Object, ObjectSymbol};
use qemu_tests::livepatch::{Fixture, Replacement};
use qemu_tests::{Image, Launch, LogLine, Machine, Qemu, Run, compare, facts, guest, sites};
use std::{collections::BTreeSet, fs, sync::LazyLock, time::Duration};
use tempfile::TempDir;

/// The functions of the kernel that the tests replace.
pub const FIRST: &str = "livepatch_first";
pub const SECOND: &str = "livepatch_second";
pub const PADDED: &str = "livepatch_padded";
pub const BUSY: &str = "livepatch_busy";

/// `bti c`
pub const BTI_C: u32 = 0xd503_245f;
/// `ret`
const RET: u32 = 0xd65f_03c0;

/// The kernel.
pub struct Kernel {
    pub image: Image,
    /// The address of its build id, from which payloads count.
    pub anchor: u64,
    pub id: [u8; 20],
}

pub fn kernel() -> &'static Kernel {
    static KERNEL: LazyLock<Kernel> = LazyLock::new(|| {
        let image = Image::open(&guest::build_livepatchable().unwrap()).unwrap();
        let anchor = image.symbol("__alt_build_id_start").unwrap();
        // A header of 12 bytes and the name, `GNU`.
        let id = image.bytes(anchor + 16, 20).unwrap().try_into().unwrap();
        Kernel { image, anchor, id }
    });
    &KERNEL
}

/// Instructions that return a number.
pub fn returns(number: u16) -> Vec<u32> {
    vec![0xd280_0000 | u32::from(number) << 5, RET]
}

impl Kernel {
    /// A payload that replaces nothing yet.
    pub fn payload(&self, name: &str) -> Fixture {
        Fixture::new(name, self.id)
    }

    /// A payload whose functions return a version.
    pub fn returning(&self, name: &str, functions: &[&str], version: u16) -> Fixture {
        let mut payload = self.payload(name);
        let replace = |function: &&str| self.replace(function, returns(version));
        payload.functions = functions.iter().map(replace).collect();
        payload
    }

    /// A replacement of a function of the kernel, where its first word may be the linked one.
    pub fn replace(&self, function: &str, code: Vec<u32>) -> Replacement {
        let (address, size) = self.function(function);
        let word = self.word(address);
        Replacement::new(function, address, size, code).words(vec![word])
    }

    /// Address and size of a function.
    pub fn function(&self, name: &str) -> (u64, u32) {
        let file = ElfFile64::<LittleEndian>::parse(self.image.file()).unwrap();
        let symbol = file.symbol_by_name(name).unwrap();
        (symbol.address(), symbol.size() as u32)
    }

    /// A word of the image as it was linked.
    pub fn word(&self, address: u64) -> u32 {
        let bytes = self.image.bytes(address, 4).unwrap();
        u32::from_le_bytes(bytes.try_into().unwrap())
    }
}

/// A run of the kernel.
pub struct Session {
    pub run: Run,
}

/// How the kernel is run.
#[derive(Clone)]
pub struct Setup<'a> {
    pub machine: Machine,
    pub payloads: Vec<&'a Fixture>,
    /// Files in place of payloads, after them.
    pub files: Vec<Vec<u8>>,
    pub commands: String,
}

impl<'a> Setup<'a> {
    /// Four CPUs of the model `max`.
    pub fn new(payloads: &[&'a Fixture], commands: &str) -> Self {
        Self {
            machine: Machine::new("max").smp(4),
            payloads: payloads.to_vec(),
            files: Vec::new(),
            commands: commands.into(),
        }
    }

    /// On another machine.
    pub fn on(self, machine: Machine) -> Self {
        Self { machine, ..self }
    }

    /// With a file that need not be a payload.
    pub fn file(mut self, bytes: Vec<u8>) -> Self {
        self.files.push(bytes);
        self
    }

    /// Runs the kernel to its end.
    pub fn run(self) -> Session {
        let run = self.launch(&kernel().image, |launch| {
            launch.run(&Qemu::find().unwrap()).unwrap()
        });
        // Shown if the test fails.
        println!("{}", text(&run.log));
        Session { run }
    }

    /// Runs an image, the kernel or a copy of it with a fault, by `run`.
    pub fn launch<T>(self, image: &Image, run: impl FnOnce(Launch<'_>) -> T) -> T {
        let folder = TempDir::new().unwrap();
        let line = format!("livepatch={}", self.commands);
        let machine = self.machine.args(["-append", &line]);
        let mut launch = Launch::new(image, machine).timeout(Duration::from_secs(400));
        let anchor = kernel().anchor;
        let payloads = self.payloads.iter().map(|payload| payload.to_bytes(anchor));
        for (number, bytes) in payloads.chain(self.files).enumerate() {
            let path = folder.path().join(format!("payload-{number}"));
            fs::write(&path, bytes).unwrap();
            launch = launch.payload(&path);
        }
        run(launch)
    }
}

impl Session {
    /// The results of operations: `load:0: ok`.
    pub fn results(&self) -> Vec<&str> {
        let notes = self.notes("");
        notes
            .into_iter()
            .filter(|note| note.contains(": "))
            .collect()
    }

    /// The kernel's notes with this beginning, without it.
    pub fn notes(&self, start: &str) -> Vec<&str> {
        let messages = self.run.log.iter().map(|line| line.message.as_str());
        messages
            .filter_map(|message| message.strip_prefix("livepatch ")?.strip_prefix(start))
            .collect()
    }

    /// What the functions returned at each command `call`: first, second, padded, site, busy.
    pub fn versions(&self) -> Vec<[u64; 5]> {
        let read = |note: &str| {
            let values = note
                .split(' ')
                .map(|word| word.split_once('=').unwrap().1.parse().unwrap());
            values.collect::<Vec<u64>>().try_into().unwrap()
        };
        self.notes("versions ").into_iter().map(read).collect()
    }

    /// How often the other CPUs called two old functions, two new ones, and one of each.
    pub fn calls(&self) -> [u64; 3] {
        let notes = self.notes("calls ");
        let note = notes.last().expect("the command `calls`");
        let values = note
            .split(' ')
            .map(|word| word.split_once('=').unwrap().1.parse().unwrap());
        values.collect::<Vec<u64>>().try_into().unwrap()
    }

    /// Checks that the kernel ran to its end and that its text is that of the image: all words but
    /// those of the sites.
    pub fn assert_text_is_back(&self) {
        let Run {
            before,
            after,
            log,
            outcome,
        } = &self.run;
        assert_eq!(outcome.status, qemu_tests::Status::Ok, "{}", text(log));
        let image = &kernel().image;
        let records = sites::read(image).unwrap();
        let facts: Vec<_> = facts::read(log).collect();
        let freed = qemu_tests::Freed::read(image, &facts);
        let mut outside = compare::outside_sites(image, before, after, &records).unwrap();
        outside.retain(|change| !freed.holds(change.address));
        assert!(outside.is_empty(), "{outside:#x?}\n{}", text(log));
        let present: BTreeSet<_> = facts
            .iter()
            .filter_map(|fact| match fact {
                facts::Fact::Cap(cap) if cap.present => Some(cap.number),
                _ => None,
            })
            .collect();
        let mut wrong = compare::wrong_sites(&sites::sites(&records), &present, before, after)
            .unwrap()
            .into_iter()
            .map(|site| site.address)
            .collect::<Vec<_>>();
        wrong.retain(|address| !freed.holds(*address));
        assert!(wrong.is_empty(), "{wrong:#x?}\n{}", text(log));
    }
}

/// A log as text.
pub fn text(log: &[LogLine]) -> String {
    log.iter().map(|line| format!("{line}\n")).collect()
}

/// Leaves a test if guests cannot be built or run here.
macro_rules! guest_test {
    ($(#[$doc:meta])* $name:ident, $body:block) => {
        $(#[$doc])*
        #[test]
        fn $name() {
            if qemu_tests::skip::without_guests(stringify!($name)) {
                return;
            }
            $body
        }
    };
}
pub(crate) use guest_test;

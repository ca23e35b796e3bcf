//! What the guest does, as the judge has to hear it.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use coherence::{Address, Cache, Config, Counts, End, Judge, Kind, Op, Region};

use crate::memory::{Memory, Written};
use crate::registers::Registers;
use crate::report::Report;

/// An instruction that has been translated. It lives as long as QEMU.
pub struct Instruction {
    pub address: u64,
    /// `None` where nothing is watched.
    pub physical: Option<u64>,
    pub op: Option<Op>,
    word: u32,
    /// Whether it is in a routine that answers for its words.
    is_promised: bool,
    /// Regions that it is in, by number.
    within: Vec<usize>,
    begins: Vec<usize>,
    ends: Vec<usize>,
    written: &'static Written,
}

/// What is known of a CPU.
pub struct Cpu {
    pub registers: Option<Registers>,
    has_started: bool,
    is_in_routine: bool,
    /// Values of its vector base registers, by the low bits of their encoding.
    vectors: [Option<u64>; 8],
    /// Regions that it is between the ends of.
    open: Vec<bool>,
    ops: Counts,
}

/// All that is observed. A CPU comes here for what [`Instruction::is_plain`] does not rule out.
pub struct Observer {
    pub memory: Memory,
    pub report: Report,
    cpus: Vec<Cpu>,
    config: Config,
    regions: Vec<(String, Region, Counts)>,
    /// Made when the first instruction is executed: only then CTR_EL0 can be read.
    judge: Option<Judge>,
    instructions: HashMap<(u64, Option<u64>, u32), &'static Instruction>,
    end: End,
}

impl Instruction {
    /// Whether executing it means nothing, unless the CPU pays attention to every instruction.
    pub fn is_plain(&self) -> bool {
        let is_written = |physical| self.written.contains(physical);
        self.op.is_none()
            && !self.is_promised
            && !self.physical.is_some_and(is_written)
            && self.within.is_empty()
            && self.begins.is_empty()
            && self.ends.is_empty()
            && !self.may_be_vector()
    }

    /// Whether an exception can lead here: the 16 entries are 128 bytes each.
    fn may_be_vector(&self) -> bool {
        self.address.is_multiple_of(0x80)
    }
}

impl Observer {
    pub fn new(config: Config, cpus: usize) -> io::Result<Self> {
        let cpu = || Cpu {
            registers: None,
            has_started: false,
            is_in_routine: false,
            vectors: [None; 8],
            open: vec![false; config.regions.len()],
            ops: Counts::default(),
        };
        let regions = config.regions.iter();
        Ok(Self {
            memory: Memory::new(config.watch.clone()),
            report: Report::create(&config.report)?,
            cpus: (0..cpus).map(|_| cpu()).collect(),
            regions: regions
                .map(|(name, region)| (name.clone(), region.clone(), Counts::default()))
                .collect(),
            judge: None,
            instructions: HashMap::new(),
            end: End::default(),
            config,
        })
    }

    pub fn set_registers(&mut self, cpu: u32, registers: Registers) {
        if let Some(cpu) = self.cpus.get_mut(cpu as usize) {
            cpu.registers = Some(registers);
        }
    }

    /// The instruction `word` at a virtual address, which is at `host` in QEMU's memory.
    pub fn translated(
        &mut self,
        address: u64,
        host: Option<u64>,
        word: u32,
    ) -> &'static Instruction {
        let physical = host.map(|host| self.memory.locate(address, host));
        let physical = physical.filter(|physical| self.memory.is_watched(*physical));
        if let Some(known) = self.instructions.get(&(address, physical, word)) {
            return known;
        }
        if physical.is_some_and(|physical| is_in(&self.config.text, physical)) {
            self.end.translated += 1;
        }
        let numbers = |chosen: &dyn Fn(&Region) -> bool| {
            let numbers = self.regions.iter().enumerate();
            let numbers = numbers.filter(|(_, (_, region, _))| chosen(region));
            numbers.map(|(number, _)| number).collect()
        };
        let within =
            numbers(&|region| matches!(region, Region::Within(range) if range.contains(&address)));
        let begins =
            numbers(&|region| matches!(region, Region::Between(from, _) if *from == address));
        let ends = numbers(&|region| matches!(region, Region::Between(_, to) if *to == address));
        let instruction = Box::leak(Box::new(Instruction {
            address,
            physical,
            op: Op::decode(word),
            word,
            is_promised: is_in(&self.config.routines, address),
            within,
            begins,
            ends,
            written: self.memory.written(physical.unwrap_or(u64::MAX)),
        }));
        let key = (address, physical, word);
        self.instructions.insert(key, instruction);
        instruction
    }

    /// `cpu` executes an instruction. Says whether it pays attention to the next ones.
    pub fn executed(&mut self, cpu: u32, instruction: &Instruction) -> bool {
        let count = self.cpus.len();
        let Some(state) = self.cpus.get_mut(cpu as usize) else {
            return false;
        };
        let judge = self.judge.get_or_insert_with(|| {
            let cache = cache(&self.config.ctr, state);
            let cache = cache.unwrap_or_else(|| {
                self.report.problem("CTR_EL0 cannot be read".into());
                Cache::new(0)
            });
            Judge::new(count, cache)
        });
        let pc = Address(instruction.address);

        // First, so that an interrupt that was pending until the routine let it in does not stand
        // for the routine's ISB.
        let was_in_routine = std::mem::replace(&mut state.is_in_routine, instruction.is_promised);
        if was_in_routine && !instruction.is_promised {
            for violation in judge.answer(cpu, pc) {
                self.report.violation(violation);
            }
        }

        // A CPU that comes out of reset has fetched nothing before.
        let is_first = !std::mem::replace(&mut state.has_started, true);
        let is_exception = instruction.may_be_vector()
            && state.vectors.iter().flatten().any(|base| {
                let entry = instruction.address.wrapping_sub(*base);
                entry < 0x800
            });
        if is_first || is_exception {
            judge.synchronise(cpu);
        }

        if let Some(physical) = instruction.physical
            && instruction.written.contains(physical)
        {
            self.end.executions += 1;
            if let Some(violation) = judge.execute(cpu, pc, physical) {
                self.report.violation(violation);
            }
        }

        for number in &instruction.begins {
            state.open[*number] = true;
        }
        for number in &instruction.ends {
            state.open[*number] = false;
        }
        let kind = instruction.op.map(|op| op.kind);
        for (number, (_, _, counts)) in self.regions.iter_mut().enumerate() {
            if state.open[number] || instruction.within.contains(&number) {
                counts.instructions += 1;
                if let Some(kind) = kind {
                    *counts.ops.entry(kind).or_default() += 1;
                }
            }
        }
        let attention = state.is_in_routine || state.open.contains(&true);
        if let Some(op) = instruction.op {
            *state.ops.ops.entry(op.kind).or_default() += 1;
            self.operate(cpu, op, instruction);
        }
        attention
    }

    /// Does what the instruction does to the caches and to the order of things.
    fn operate(&mut self, cpu: u32, op: Op, instruction: &Instruction) {
        let (Some(state), Some(judge)) = (self.cpus.get_mut(cpu as usize), &mut self.judge) else {
            return;
        };
        let operand = op.register.map(|number| {
            let registers = state.registers.as_ref();
            registers.and_then(|registers| registers.general(number))
        });
        let operand = match operand {
            None => 0,
            Some(Some(value)) => value,
            Some(None) => {
                let problem = "the general-purpose registers cannot be read";
                return self.report.problem(problem.into());
            }
        };
        let is_by_address = matches!(
            op.kind,
            Kind::DcCvau
                | Kind::DcCvac
                | Kind::DcCvap
                | Kind::DcCvadp
                | Kind::DcCivac
                | Kind::IcIvau
        );
        let physical = match self.memory.translate(operand) {
            _ if !is_by_address => 0,
            Some(physical) => physical,
            None => {
                self.end.untranslated += 1;
                return;
            }
        };
        match op.kind {
            Kind::DcCvau | Kind::DcCvac | Kind::DcCvap | Kind::DcCvadp | Kind::DcCivac => {
                judge.clean(cpu, physical);
            }
            Kind::IcIvau => judge.invalidate(cpu, Address(operand), physical),
            Kind::IcIallu => judge.invalidate_all(cpu, false),
            Kind::IcIalluis => judge.invalidate_all(cpu, true),
            Kind::Dsb => judge.barrier(cpu, true),
            Kind::DsbStores => judge.barrier(cpu, false),
            Kind::Isb | Kind::Eret | Kind::Exception => judge.synchronise(cpu),
            Kind::Vbar => state.vectors[(instruction.word >> 16 & 7) as usize] = Some(operand),
            Kind::DcIvac | Kind::DcSetWay | Kind::DcZva | Kind::DsbWeak => {}
        }
    }

    /// `cpu` has stored bytes.
    pub fn stored(
        &mut self,
        cpu: u32,
        instruction: &Instruction,
        address: u64,
        physical: u64,
        size: u64,
    ) {
        let Some(judge) = &mut self.judge else {
            return;
        };
        if !self.memory.is_watched(physical) {
            return;
        }
        let is_text = is_in(&self.config.text, physical);
        self.end.stores += u64::from(is_text);
        let is_promised = is_text && instruction.is_promised;
        judge.store(cpu, Address(address), physical, size, is_promised);
        self.memory.store(physical, size);
    }

    pub fn end(&mut self) {
        let mut end = std::mem::take(&mut self.end);
        end.cpus = self.cpus.iter().map(|cpu| cpu.ops.clone()).collect();
        let regions = self.regions.iter();
        end.regions = regions
            .map(|(name, _, counts)| (name.clone(), counts.clone()))
            .collect::<BTreeMap<_, _>>();
        self.report.end(end);
    }
}

fn is_in(ranges: &[Range<u64>], address: u64) -> bool {
    ranges.iter().any(|range| range.contains(&address))
}

/// The caches of the system: as given, or as the CPU says.
fn cache(given: &[u64], cpu: &Cpu) -> Option<Cache> {
    let read = || cpu.registers.as_ref()?.read("CTR_EL0");
    let mut caches = given.iter().map(|ctr| Cache::new(*ctr));
    match caches.next() {
        Some(first) => Some(caches.fold(first, Cache::meet)),
        None => read().map(Cache::new),
    }
}

/// Whether each CPU pays attention to every instruction, to be asked without a lock.
pub struct Attention(Vec<AtomicBool>);

impl Attention {
    /// All do, until they have executed their first instruction.
    pub fn new(cpus: usize) -> Self {
        Self((0..cpus).map(|_| AtomicBool::new(true)).collect())
    }

    pub fn get(&self, cpu: u32) -> bool {
        let cpu = self.0.get(cpu as usize);
        cpu.is_some_and(|attention| attention.load(Ordering::Relaxed))
    }

    pub fn set(&self, cpu: u32, attention: bool) {
        if let Some(cpu) = self.0.get(cpu as usize) {
            cpu.store(attention, Ordering::Relaxed);
        }
    }
}

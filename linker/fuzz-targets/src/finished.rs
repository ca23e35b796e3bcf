//! A finished table: read, and planned over a text of NOPs.

use std::mem::MaybeUninit;
use std::sync::atomic::AtomicU32;

use alt_image::names::ANY_CAP;
use alt_runtime::cap::CapSet;
use alt_runtime::finished::{BucketHeader, Digest, FinishedTable, Header};
use alt_runtime::patch::{Decision, Plan};
use alt_runtime::record::{AlternativeRecord, FINISHED};
use alt_runtime::region::{Region, Table, Words};
use alt_runtime::{Callback, Insn, Site};

/// Where the text and the table of the seeds are.
const TEXT: u64 = 0xffff_8000_0001_0000;
const RECORDS: u64 = TEXT + 0x50_0000;
const CALLBACKS: u64 = TEXT + 0x70_0000;
const LEN: usize = 128;

/// The words of a table: as they are, and with the digests that they should have.
pub fn finished(data: &[u8]) {
    let words = data.as_chunks::<4>().0.iter();
    let mut words: Vec<u32> = words.map(|word| u32::from_le_bytes(*word)).collect();
    plan(&words);
    if seal(&mut words).is_some() {
        plan(&words);
    }
}

/// Plans a first pass with all cpucaps present; it also checks the buckets that do not apply.
fn plan(words: &[u32]) {
    if let Ok(table) = FinishedTable::new(RECORDS, words) {
        assert_eq!(table.header().buckets as usize, table.buckets().count());
        assert!(table.sites().count() <= 2 * words.len());
    }
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let records = bytes.as_chunks::<12>().0.iter();
    let records: Vec<_> = records
        .map(|bytes| AlternativeRecord::from_le_bytes(*bytes))
        .collect();
    let text: Vec<AtomicU32> = (0..LEN).map(|_| AtomicU32::new(Insn::NOP.0)).collect();
    let nothing = |_: &Site<'_>, _: &mut [Insn]| Ok(());
    let callback = [Callback::new("NOTHING", nothing)];
    let region = Region {
        text: Words::new(TEXT, &text).into(),
        branches: Table::new(0, &[]),
        alternatives: Table::new(RECORDS, &records),
        replacements: Words::new(0, &[]),
        callbacks: Table::new(CALLBACKS, &callback),
    };
    for (present, decided) in [(CapSet::ALL, CapSet::ALL), (CapSet::EMPTY, CapSet::EMPTY)] {
        let mut room = [MaybeUninit::uninit(); 2 * LEN];
        let decision = Decision {
            table: &ANY_CAP,
            present: &present,
            decided: &decided,
        };
        match Plan::new(&region, decision, &mut room) {
            Ok(plan) => {
                let is_inside =
                    |offset: u32| offset.is_multiple_of(4) && (offset as usize) < 4 * LEN;
                assert!(plan.writes().iter().all(|write| is_inside(write.offset)));
            }
            Err(error) => assert!(!error.to_string().is_empty(), "an error says something"),
        }
    }
}

/// Sets the digests of tables and header to the correct values. `None` if there is no place for them.
fn seal(words: &mut [u32]) -> Option<()> {
    *words.first_mut()? = FINISHED;
    let header = Header::from_words(words.first_chunk()?);
    let (tables, dictionary) = (header.tables as usize, header.dictionary as usize);
    let mut at = tables;
    for entry in (Header::LEN..tables)
        .step_by(BucketHeader::LEN)
        .take(header.buckets as usize)
    {
        let found = BucketHeader::from_words(words.get(entry..)?.first_chunk()?);
        let end = at.checked_add(found.len as usize)?;
        let digest = Digest::EMPTY.with_all(words.get(at..end)?).to_words();
        words
            .get_mut(entry + 3..entry + 5)?
            .copy_from_slice(&digest);
        at = end;
    }
    let digest = Digest::EMPTY
        .with_all(words.get(dictionary..header.len as usize)?)
        .to_words();
    words
        .get_mut(Header::DIGEST - 2..Header::DIGEST)?
        .copy_from_slice(&digest);
    let digest = Digest::EMPTY.with_all(words.get(..Header::DIGEST)?);
    let digest = digest.with_all(words.get(Header::LEN..tables)?).to_words();
    words
        .get_mut(Header::DIGEST..Header::LEN)?
        .copy_from_slice(&digest);
    Some(())
}

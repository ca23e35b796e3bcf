//! The stack that functions of alt-runtime take in a linked image, by its instructions.

use alt_image::{code::Reference, image::Image};
use std::collections::BTreeMap;

/// Functions that a kernel calls, by the end of their names, and the bytes that each may take: those
/// of its callees included, without functions that the kernel passes in.
pub(crate) const BOUNDS: [(&str, u64); 9] = [
    ("::IdRegs::read", 256),
    ("::Detected::new", 1024),
    ("::Detected::patch_boot", 3072),
    ("::Booted::add_cpu", 2048),
    ("::Booted::finalise", 3072),
    ("::Finalised::late_cpu", 2048),
    ("::Finalised::patch_region", 3072),
    ("::Census::count", 1536),
    ("Livepatch<_>>::load", 3584),
];

/// The same for the minimal kernel with raw tables: the demo makes two passes.
pub(crate) const BOUNDS_OF_ONE_PASS: [(&str, u64); 2] = [
    ("::Detected::caps_alone", 1280),
    ("::Detected::patch", 2048),
];

/// The stack of a function.
#[derive(Clone, Debug, Default)]
struct Function {
    name: String,
    /// Its own bytes.
    frame: u64,
    /// The functions that it calls or branches to.
    callees: Vec<u64>,
    /// It has an indirect call: of a function that the kernel passes in, or of a formatter.
    is_indirect: bool,
}

/// The functions of an image by address.
pub(crate) struct Stack(BTreeMap<u64, Function>);

/// A function with the deepest of its callees, and theirs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Depth {
    pub(crate) bytes: u64,
    /// Name and own bytes, from the entry down.
    pub(crate) path: Vec<(String, u64)>,
    /// A function on some path calls by a register.
    pub(crate) is_indirect: bool,
}

impl Stack {
    /// Reads the functions of `image`.
    pub(crate) fn new(image: &Image) -> Self {
        let mut functions = BTreeMap::new();
        for symbol in image.symbols().iter().filter(|symbol| symbol.function) {
            let mut function = Function {
                name: image.label(symbol.range.start),
                ..Function::default()
            };
            for at in symbol.range.clone().step_by(4) {
                let Some(word) = image.word(at) else { continue };
                function.frame += taken(word);
                // BR and BLR (Arm ARM C6.2): a jump within the function counts, too.
                function.is_indirect |= word & 0xffdf_fc1f == 0xd61f_0000;
                if let Some(reference) = Reference::of(at, word)
                    && reference.is_branch()
                    && !symbol.range.contains(&reference.target)
                {
                    function.callees.push(reference.target);
                }
            }
            functions.insert(symbol.range.start, function);
        }
        Self(functions)
    }

    /// The depth of each function whose name ends in `name`; `None` if the image has none.
    ///
    /// # Errors
    /// A function can call itself, so that there is no bound.
    pub(crate) fn of(&self, name: &str) -> Result<Option<Depth>, String> {
        let mut deepest: Option<Depth> = None;
        for (&address, function) in &self.0 {
            if !function.name.ends_with(name) {
                continue;
            }
            let depth = self.depth(address, &mut Vec::new(), &mut BTreeMap::new())?;
            if deepest
                .as_ref()
                .is_none_or(|other| other.bytes < depth.bytes)
            {
                deepest = Some(depth);
            }
        }
        Ok(deepest)
    }

    fn depth(
        &self,
        address: u64,
        open: &mut Vec<u64>,
        known: &mut BTreeMap<u64, Depth>,
    ) -> Result<Depth, String> {
        if let Some(depth) = known.get(&address) {
            return Ok(depth.clone());
        }
        let Some(function) = self.0.get(&address) else {
            return Ok(Depth::default());
        };
        if function.name.contains("panic") {
            return Ok(Depth::default());
        }
        if open.contains(&address) {
            return Err(format!("{} can call itself", function.name));
        }
        open.push(address);
        let mut deepest = Depth::default();
        let mut is_indirect = function.is_indirect;
        for &callee in &function.callees {
            let depth = self.depth(callee, open, known)?;
            is_indirect |= depth.is_indirect;
            if depth.bytes > deepest.bytes {
                deepest = depth;
            }
        }
        open.pop();
        deepest.bytes += function.frame;
        deepest
            .path
            .insert(0, (function.name.clone(), function.frame));
        deepest.is_indirect = is_indirect;
        known.insert(address, deepest.clone());
        Ok(deepest)
    }
}

/// The bytes by which an instruction lowers SP (Arm ARM C6.2: SUB (immediate), STP, STR (immediate),
/// pre-index).
fn taken(word: u32) -> u64 {
    const SP: u32 = 31 << 5;
    let negative = |bits: u32, width: u32, scale: u64| {
        let half = 1 << (width - 1);
        match bits >= half {
            true => u64::from(2 * half - bits) * scale,
            false => 0,
        }
    };
    if word & 0xff80_03ff == 0xd100_03ff {
        let shift = if word & 1 << 22 != 0 { 12 } else { 0 };
        return u64::from(word >> 10 & 0xfff) << shift;
    }
    if word & 31 << 5 != SP {
        return 0;
    }
    let pair = word >> 15 & 0x7f;
    match word & 0xffc0_0000 {
        0xa980_0000 | 0x6d80_0000 => negative(pair, 7, 8),
        0xad80_0000 => negative(pair, 7, 16),
        _ if word & 0xffe0_0c00 == 0xf800_0c00 => negative(word >> 12 & 0x1ff, 9, 1),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::taken;

    #[test]
    fn instructions_that_lower_sp() {
        // From GNU as.
        for (word, bytes) in [
            (0xd104_83ff, 288),  // sub sp, sp, #288
            (0xd140_07ff, 4096), // sub sp, sp, #1, lsl #12
            (0xa9be_7bfd, 32),   // stp x29, x30, [sp, #-32]!
            (0x6dbf_27e8, 16),   // stp d8, d9, [sp, #-16]!
            (0xf81f_0ffe, 16),   // str x30, [sp, #-16]!
            (0xa900_7bfd, 0),    // stp x29, x30, [sp]
            (0x9104_83ff, 0),    // add sp, sp, #288
            (0xa9be_0001, 0),    // stp x1, x0, [x0, #-32]!
        ] {
            assert_eq!(taken(word), bytes, "{word:#x}");
        }
    }
}

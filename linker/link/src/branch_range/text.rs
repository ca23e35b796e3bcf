//! The texts of findings.

use alt_diagnostic::{Diagnostic, Location, Reference, Severity};
use alt_object::display;
use alt_object::object::Place;
use alt_runtime::insn::{Class, Insn};

use super::Options;
use super::group::{self, Group};
use super::kind::Kind;
use super::object::Reference as ShortReference;
use super::resolve::{Link, Target};
use super::short::Short;

/// A reference of an object, with all that its finding reports.
#[derive(Clone, Copy)]
pub(super) struct Words<'a> {
    pub options: &'a Options,
    pub link: &'a Link<'a>,
    pub object: usize,
    pub reference: &'a ShortReference,
    pub target: Target,
}

impl Words<'_> {
    pub(super) fn other_section(&self) -> Diagnostic {
        let (symbol, form) = (self.symbol(), self.reference.form);
        let why = match self.target {
            Target::Section { .. } => match self.gives_way() {
                true => "the weak definition beside it gives way to one in another section".into(),
                false => format!("{symbol} is in another section"),
            },
            Target::Absolute => format!("{symbol} is an absolute address"),
            Target::Common => format!("{symbol} is COMMON, which the linker places"),
            Target::Undefined | Target::Itself => format!(
                "none of the inputs defines {symbol}: the linker script may, or an input that was not given"
            ),
        };
        let message = format!(
            "`{}` reaches {}, and {why}",
            self.instruction(),
            form.range()
        );
        let help = match self.target {
            Target::Section { .. } => format!(
                "{}; or put both into the section {}NAME",
                form.instead(&self.operand()),
                group::PREFIX
            ),
            Target::Undefined => format!(
                "{}; or, if the linker script keeps {symbol} in range, allow it: `alt reach --allow \
                 {kind}:{symbol}`, ALT_REACH_ALLOW={kind}:{symbol} for `alt-ld`",
                form.instead(&self.operand()),
                kind = Kind::OtherSection,
            ),
            _ => form.instead(&self.operand()),
        };
        self.finding(Kind::OtherSection, None, message, help)
    }

    pub(super) fn too_far(&self, distance: i64) -> Diagnostic {
        let (symbol, form) = (self.symbol(), self.reference.form);
        let message = format!(
            "`{}` reaches {}, and {symbol} is {distance} bytes away, in the same section",
            self.instruction(),
            form.range(),
        );
        self.finding(Kind::TooFar, Some(distance), message, form.instead(&symbol))
    }

    pub(super) fn group_too_large(&self, group: &Group) -> Diagnostic {
        let form = self.reference.form;
        let message = format!(
            "the group {} has {} bytes in {} sections; `{}` in it reaches {}, and may have to go \
             from one end to the other",
            group.name,
            group.size,
            group.sections,
            self.instruction(),
            form.range(),
        );
        let help = format!(
            "{}; or take sections out of the group: it may have {} bytes",
            form.instead(&self.operand()),
            form.max(),
        );
        self.finding(Kind::GroupTooLarge, None, message, help)
    }

    fn finding(
        &self,
        kind: Kind,
        distance: Option<i64>,
        message: String,
        help: String,
    ) -> Diagnostic {
        let object = &self.link.objects[self.object];
        let (section, offset) = (self.reference.section, self.reference.offset);
        let function = object.function(section, offset);
        Diagnostic {
            location: Some(Location::Object {
                file: object.name.into(),
                section: display::name(object.file.sections[section].name),
                offset,
                function: function.map(|(name, offset)| match offset {
                    0 => demangled(name),
                    _ => format!("{}+{offset:#x}", demangled(name)),
                }),
            }),
            reference: Some(Reference {
                instruction: self.instruction(),
                symbol: self.symbol(),
                defined: self.defined(),
                distance,
            }),
            help: help.into(),
            ..Diagnostic::new(kind.name(), Severity::Error, message)
        }
    }

    /// Whether the section of the reference has a weak definition that the linker does not use.
    fn gives_way(&self) -> bool {
        let object = &self.link.objects[self.object];
        let own = &object.file.symbols[self.reference.symbol];
        own.weak && matches!(own.place, Place::In(section, _) if section == self.reference.section)
    }

    fn defined(&self) -> Option<String> {
        let Target::Section {
            object, section, ..
        } = self.target
        else {
            return None;
        };
        let object = &self.link.objects[object];
        let section = object.file.sections.get(section)?;
        let section = display::name(section.name);
        Some(format!("{}, section {section}", object.name))
    }

    /// The symbol that the instruction refers to.
    fn symbol(&self) -> String {
        self.named().0
    }

    /// The operand of the instruction: the symbol and the addend.
    fn operand(&self) -> String {
        match self.named() {
            (name, 0) => name,
            (name, addend @ 1..) => format!("{name}+{addend:#x}"),
            (name, addend) => format!("{name}-{:#x}", addend.unsigned_abs()),
        }
    }

    /// The symbol, or the section, and the addend.
    fn named(&self) -> (String, i64) {
        let object = &self.link.objects[self.object];
        let symbol = &object.file.symbols[self.reference.symbol];
        let addend = self.reference.addend;
        if !symbol.name.is_empty() {
            return (demangled(symbol.name), addend);
        }
        // Assemblers refer to a local symbol by the symbol of its section: find a name for that place.
        let Target::Section {
            section, offset, ..
        } = self.target
        else {
            return ("(nothing)".into(), addend);
        };
        match object.function(section, offset) {
            Some((name, 0)) => (demangled(name), 0),
            _ => {
                let section = object.file.sections.get(section);
                let name = section.map_or(&b""[..], |section| section.name);
                (display::name(name), addend)
            }
        }
    }

    /// The instruction with the name of its target.
    fn instruction(&self) -> String {
        match self
            .options
            .before_target
            .and_then(|text| text(self.reference.word))
        {
            Some(operands) => format!("{operands}{}", self.operand()),
            None => format!("{} {}", name(self.reference), self.operand()),
        }
    }
}

/// The mnemonic, without its operands.
fn name(reference: &ShortReference) -> &'static str {
    match (Insn(reference.word).classify(), reference.form) {
        (Class::Relative(relative), _) => relative.form.name(),
        // Not an instruction: relocated data.
        (_, Short::TestBranch) => "tbz",
        (_, Short::ConditionalBranch) => "b.cond",
        (_, Short::Address) => "adr",
        (_, Short::Literal) => "ldr (literal)",
    }
}

/// The demangled name.
fn demangled(name: &[u8]) -> String {
    display::demangled(&display::name(name))
}

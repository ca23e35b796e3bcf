//! The layout of a type.

use std::fmt;

/// The size and the members of a type.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Layout {
    /// Its size in bytes.
    pub size: u64,
    /// Its alignment in bytes; 0 if the debug information does not state it.
    pub align: u64,
    /// Its members, sorted.
    pub members: Vec<Member>,
}

/// A field, a variant or a value of a type.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// The offset in bytes.
    pub offset: u64,
    /// The name.
    pub name: String,
    /// The discriminant of the variant that has it.
    pub variant: Option<String>,
    /// The value of an enumerator.
    pub value: Option<i64>,
    /// The name of its type.
    pub type_name: String,
}

impl Layout {
    /// Whether values of the other layout can be read by this one, and the other way round: equal,
    /// or the same size with variants added.
    pub fn accepts(&self, old: &Self) -> bool {
        let is_variant = |member: &Member| member.variant.is_some() || member.value.is_some();
        let added = |member: &&Member| !old.members.contains(member);
        self.size == old.size
            && self.align == old.align
            && old
                .members
                .iter()
                .all(|member| self.members.contains(member))
            && self.members.iter().filter(added).all(is_variant)
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.size)?;
        for (index, member) in self.members.iter().enumerate() {
            f.write_str(if index == 0 { ": " } else { ", " })?;
            match (&member.variant, member.value) {
                (_, Some(value)) => write!(f, "{} = {value}", member.name)?,
                (Some(variant), _) => write!(
                    f,
                    "{} (variant {variant}) at {}",
                    member.name, member.offset
                )?,
                _ => write!(f, "{} at {}", member.name, member.offset)?,
            }
        }
        Ok(())
    }
}

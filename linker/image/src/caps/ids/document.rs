//! Registers in TOML.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{At, IdsError, Machine, Registers};

type Value<'a> = Spanned<DeValue<'a>>;

/// The machines of the file.
pub fn read(name: &str, text: &str) -> Result<Vec<Machine>, IdsError> {
    let file = File { name, text };
    let document = DeTable::parse(text).map_err(|error| file.parser(&error))?;
    let document = document.get_ref();
    let list = document.get("machine");
    let machines = match list.map(|value| (value, value.get_ref())) {
        Some((_, DeValue::Array(machines))) => {
            // Registers outside of the list would belong to no machine.
            if let Some((key, value)) = document.iter().find(|(key, _)| key.get_ref() != "machine")
            {
                let expected = "within a [[machine]]";
                return Err(file.wrong_type(key.span(), key.get_ref(), value, expected));
            }
            machines
                .iter()
                .map(|machine| file.listed(machine))
                .collect()
        }
        Some((value, DeValue::Table(_))) => {
            Err(file.wrong_type(value.span(), "machine", value, "a list: write [[machine]]"))
        }
        _ => file.machine(document).map(Vec::from_iter),
    }?;
    match machines.is_empty() {
        false => Ok(machines),
        true => Err(IdsError::Empty {
            file: name.to_owned(),
        }),
    }
}

struct File<'a> {
    name: &'a str,
    text: &'a str,
}

impl File<'_> {
    fn listed(&self, value: &Value<'_>) -> Result<Machine, IdsError> {
        let DeValue::Table(table) = value.get_ref() else {
            return Err(self.wrong_type(value.span(), "machine", value, "a list of tables"));
        };
        self.machine(table)?.ok_or_else(|| IdsError::NoRegisters {
            at: self.at(value.span()),
        })
    }

    /// The machine of a table; `None` if no register is in it.
    fn machine(&self, table: &DeTable<'_>) -> Result<Option<Machine>, IdsError> {
        let mut registers = Registers::default();
        let (mut qemu, mut cpu, mut machine) = (None, None, None);
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let Some(string) = value.get_ref().as_str() else {
                return Err(self.wrong_type(key.span(), key.get_ref(), value, "a string"));
            };
            match key.get_ref().as_ref() {
                "qemu" => qemu = Some(string.to_owned()),
                "cpu" => cpu = Some(string.to_owned()),
                "machine" => machine = Some(string.to_owned()),
                register => registers.add(|| self.at(key.span()), register, string)?,
            }
        }
        Ok(registers.machine().map(|found| Machine {
            qemu,
            cpu,
            machine,
            ..found
        }))
    }

    fn parser(&self, error: &toml::de::Error) -> IdsError {
        let span = error.span().unwrap_or_default();
        let at = self.at(span.clone());
        match error.message() {
            "duplicate key" => IdsError::Duplicate {
                at,
                name: self.text.get(span).unwrap_or_default().to_owned(),
            },
            message => IdsError::Toml {
                at,
                message: message.replace('\n', ", "),
            },
        }
    }

    fn wrong_type(
        &self,
        span: Range<usize>,
        key: &str,
        value: &Value<'_>,
        expected: &'static str,
    ) -> IdsError {
        IdsError::WrongType {
            at: self.at(span),
            key: key.to_owned(),
            found: value.get_ref().type_str(),
            expected,
        }
    }

    fn at(&self, span: Range<usize>) -> At {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        At {
            file: self.name.to_owned(),
            line: before.matches('\n').count() + 1,
        }
    }
}

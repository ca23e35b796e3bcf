//! Reads the text of an arm as far as that is possible without an assembler.

/// A line of assembly, or a part of it up to `;`.
pub struct Statement<'a> {
    pub labels: Vec<&'a str>,
    /// In lower case; a directive with its dot.
    pub mnemonic: String,
    pub operands: &'a str,
    /// It is between `.pushsection` and `.popsection`, so it is not part of the arm.
    pub is_elsewhere: bool,
}

/// The statements of `text`, without comments.
pub fn statements(text: &str) -> Vec<Statement<'_>> {
    let mut depth = 0_u32;
    // Not `lines`: joined texts must have as many statements as the texts have together.
    text.split('\n')
        .map(|line| line.split("//").next().unwrap_or_default())
        .flat_map(|line| line.split(';'))
        .map(|text| {
            let mut statement = Statement::parse(text);
            match statement.mnemonic.as_str() {
                ".pushsection" => depth += 1,
                ".popsection" => depth = depth.saturating_sub(1),
                _ => {}
            }
            statement.is_elsewhere = depth != 0;
            statement
        })
        .collect()
}

impl<'a> Statement<'a> {
    fn parse(text: &'a str) -> Self {
        let mut labels = Vec::new();
        let mut rest = text.trim();
        while let Some((label, after)) = rest.split_once(':')
            && !label.is_empty()
            && label.chars().all(is_symbol)
        {
            labels.push(label);
            rest = after.trim_start();
        }
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (mnemonic, operands) = rest.split_at(end);
        Self {
            labels,
            mnemonic: mnemonic.to_ascii_lowercase(),
            operands,
            is_elsewhere: false,
        }
    }

    /// The last operand; empty without operands.
    pub fn last_operand(&self) -> &'a str {
        self.operands.rsplit(',').next().unwrap_or_default().trim()
    }

    /// Whether this loads a literal whose address is the last operand. `ldr x0, =…` creates a
    /// literal and does not count.
    pub fn is_literal_load(&self) -> bool {
        matches!(self.mnemonic.as_str(), "ldr" | "ldrsw" | "prfm")
            && !self.operands.contains(['[', '='])
    }

    /// Whether this aligns the next statement, so that lengths depend on addresses.
    pub fn aligns(&self) -> bool {
        let directive = self.mnemonic.as_str();
        directive.starts_with(".balign")
            || directive.starts_with(".p2align")
            || matches!(directive, ".align" | ".org")
    }
}

pub fn is_symbol(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$')
}

/// The location of a statement's target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// At a label of these statements.
    Inside,
    /// At any other symbol.
    Outside,
    /// At a distance in bytes from the statement.
    Near,
}

/// The location of `target`, an operand of statement `i`.
pub fn place(target: &str, i: usize, statements: &[Statement<'_>]) -> Place {
    // An operand of `asm!`: a `label` or a `sym`.
    if target.starts_with('{') {
        return Place::Outside;
    }
    let end = target.find(|c| !is_symbol(c)).unwrap_or(target.len());
    let symbol = &target[..end];
    let defines = |statements: &[Statement<'_>], label| {
        let is_inside = statements
            .iter()
            .any(|statement| !statement.is_elsewhere && statement.labels.contains(&label));
        match is_inside {
            true => Place::Inside,
            false => Place::Outside,
        }
    };
    let digits = symbol.trim_end_matches(['b', 'f']);
    if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()) {
        // A numeric label, or else a plain number.
        return match &symbol[digits.len()..] {
            "b" => defines(&statements[..=i], digits),
            "f" => defines(&statements[i + 1..], digits),
            _ => Place::Near,
        };
    }
    match symbol {
        "" | "." => Place::Near,
        _ => defines(statements, symbol),
    }
}

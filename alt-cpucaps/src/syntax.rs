//! Rust syntax in strings of the file: the path of a function, the predicate of a `cfg`.
//!
//! The grammar is limited to these two and the number of brackets is bounded, because syn parses by
//! recursion: a deeply nested string would overflow the stack.

use syn::{
    LitStr, Path, Token,
    ext::IdentExt,
    parenthesized,
    parse::{ParseStream, Parser},
    token::Paren,
};

/// The largest number of brackets in a predicate.
const MAX_BRACKETS: usize = 64;

/// Whether a text is a path such as `crate::cpu::has_quirk`.
pub fn is_path(text: &str) -> bool {
    brackets(text) == 0 && Path::parse_mod_style.parse_str(text).is_ok()
}

/// Checks the predicate of a `#[cfg(…)]`.
///
/// # Errors
///
/// What is wrong with it.
pub fn check_predicate(text: &str) -> Result<(), String> {
    if brackets(text) > MAX_BRACKETS {
        return Err(format!("more than {MAX_BRACKETS} brackets"));
    }
    predicate.parse_str(text).map_err(|error| error.to_string())
}

/// Parses a predicate by the Rust Reference, "Conditional compilation". Whether its names are known
/// is checked by rustc.
fn predicate(input: ParseStream<'_>) -> syn::Result<()> {
    input.call(syn::Ident::parse_any)?;
    if input.peek(Paren) {
        let list;
        parenthesized!(list in input);
        list.parse_terminated(predicate, Token![,])?;
    } else if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        input.parse::<LitStr>()?;
    }
    Ok(())
}

fn brackets(text: &str) -> usize {
    text.matches(['(', '[', '{']).count()
}

#[cfg(test)]
mod tests {
    use super::{check_predicate, is_path};

    #[test]
    fn paths() {
        for good in ["has_quirk", "crate::cpu::has_quirk", "::quirks::r#type"] {
            assert!(is_path(good), "{good}");
        }
        for bad in ["", "a::", "a b", "a()", "a<b>", "a.b", "\"a\"", "a::[b]"] {
            assert!(!is_path(bad), "{bad}");
        }
    }

    #[test]
    fn predicates() {
        for good in [
            "debug_assertions",
            "feature = \"sve\"",
            "all(feature = \"sve\", not(any(unix, windows,)))",
            "true",
            "all()",
        ] {
            assert_eq!(check_predicate(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "feature =",
            "feature = 1",
            "not(",
            "a b",
            "a::b",
            "not[a]",
            "a + b",
        ] {
            assert!(check_predicate(bad).is_err(), "{bad}");
        }
    }

    /// A recursive parser would need more stack for each of these than a thread has.
    #[test]
    fn nested_without_end() {
        for part in ["a<", "a::<", "(", "[", "a(", "!", "a=-", "-", "&"] {
            let text = part.repeat(20_000);
            assert!(!is_path(&text), "{part}");
            assert!(check_predicate(&text).is_err(), "{part}");
            assert!(check_predicate(&format!("a = {text}")).is_err(), "{part}");
            assert!(check_predicate(&format!("a({text}")).is_err(), "{part}");
        }
        let nested = |depth| format!("{}unix{}", "not(".repeat(depth), ")".repeat(depth));
        assert_eq!(check_predicate(&nested(64)), Ok(()));
        assert!(check_predicate(&nested(65)).is_err());
    }
}

//! The input of `alternative!` and `alternative_cb!`.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::parse::discouraged::Speculative;
use syn::parse::{Parse, ParseStream};
use syn::{Block, Ident, LitStr, Path, Token, token};

use super::arm_text;
use super::operand::{self, Operands, Piece};
use crate::condition::Condition;

/// `CAP => BODY`
pub struct Arm {
    /// The start of the condition.
    head: Span,
    pub condition: Condition,
    pub body: Body,
}

/// The replacement of the default.
pub enum Body {
    /// `"…", "…"`
    Text(Vec<Piece>),
    /// A path: the callback that computes it.
    Callback(Path),
    /// `nops`
    Nops,
}

/// The default instructions, the arms, and the operands that all of them share.
pub struct Alternative {
    pub default: Vec<Piece>,
    pub arms: Vec<Arm>,
    /// The code that replaces the site in a program for a host.
    pub host: Option<Block>,
    pub operands: Operands,
}

/// An [`Alternative`] whose arms may be callbacks.
pub struct AlternativeCb(pub Alternative);

impl Parse for Alternative {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        Self::parse_arms(input, Body::parse_text)
    }
}

impl Parse for AlternativeCb {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        Alternative::parse_arms(input, Body::parse_any).map(Self)
    }
}

impl Alternative {
    /// `body` parses the tokens after the `=>` of an arm.
    fn parse_arms(
        input: ParseStream,
        body: impl Fn(ParseStream) -> syn::Result<Body>,
    ) -> syn::Result<Self> {
        let mut default = Vec::new();
        let mut arms: Vec<Arm> = Vec::new();
        let mut host = None;
        let mut operands = Operands::default();
        let mut in_operands = false;
        let mut after_host = false;
        while !input.is_empty() {
            if input.peek(Token![#]) {
                return Err(input.error(
                    "attributes are not supported here: a cpucap whose `cfg` in the TOML file does not hold leaves its arms out",
                ));
            } else if operand::peek(input) {
                in_operands = true;
                operands.parse_one(input)?;
            } else if in_operands {
                return Err(input.error("instructions and arms come before the operands"));
            } else if let Some(word) = parse_host(input) {
                if host.is_some() {
                    return Err(syn::Error::new(word.span(), "there is one `host` already"));
                }
                host = Some(input.parse::<Block>().map_err(|error| {
                    syn::Error::new(error.span(), "expected a block: `host => { … }`")
                })?);
                after_host = true;
            } else if let Some((head, condition, arrow)) = parse_head(input)? {
                after_host = false;
                if input.is_empty() || input.peek(Token![,]) {
                    return Err(syn::Error::new(arrow, EMPTY_ARM));
                }
                let body = body(input)?;
                arms.push(Arm {
                    head,
                    condition,
                    body,
                });
            } else {
                let piece: Piece = input.parse()?;
                if input.peek(Token![=>]) {
                    return Err(syn::Error::new(
                        piece.span(),
                        "the condition of an arm is made of names of cpucaps, without quotes: `CAP => \"…\"`",
                    ));
                }
                if after_host {
                    return Err(syn::Error::new(
                        piece.span(),
                        "instructions come before `host => { … }`, or in an arm after it",
                    ));
                }
                match arms.last_mut().map(|arm| &mut arm.body) {
                    None => default.push(piece),
                    Some(Body::Text(text)) => text.push(piece),
                    Some(Body::Callback(_) | Body::Nops) => {
                        return Err(syn::Error::new(
                            piece.span(),
                            "this arm has no instructions of its own: it ends before this text",
                        ));
                    }
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Self {
            default,
            arms,
            host,
            operands,
        }
        .validate()
    }
}

const EMPTY_ARM: &str =
    "this arm has no instructions: to replace the default by nothing write `\"nop\"`";

impl Body {
    fn parse_text(input: ParseStream) -> syn::Result<Self> {
        if let Some(path) = parse_path(&input.fork()).filter(is_nops) {
            return Err(syn::Error::new_spanned(
                path,
                "expected instructions: `nops` is for `alternative_cb!`",
            ));
        }
        Ok(Self::Text(vec![input.parse()?]))
    }

    fn parse_any(input: ParseStream) -> syn::Result<Self> {
        let ahead = input.fork();
        let Some(path) = parse_path(&ahead) else {
            return Ok(Self::Text(vec![input.parse()?]));
        };
        input.advance_to(&ahead);
        Ok(if is_nops(&path) {
            Self::Nops
        } else {
            Self::Callback(path)
        })
    }
}

fn is_nops(path: &Path) -> bool {
    path.is_ident("nops")
}

/// A path that is a whole arm.
fn parse_path(input: ParseStream) -> Option<Path> {
    let path = input.parse().ok()?;
    (input.is_empty() || input.peek(Token![,])).then_some(path)
}

/// `host =>`, if it is next.
fn parse_host(input: ParseStream) -> Option<Ident> {
    let ahead = input.fork();
    let word = Ident::parse_any(&ahead).ok()?;
    let is_host = word == "host" && ahead.parse::<Token![=>]>().is_ok();
    is_host.then(|| {
        input.advance_to(&ahead);
        word
    })
}

/// `CONDITION =>`, if it is next.
fn parse_head(input: ParseStream) -> syn::Result<Option<(Span, Condition, Span)>> {
    if input.peek(LitStr) {
        return Ok(None);
    }
    let head = input.span();
    let ahead = input.fork();
    let condition = Condition::parse_after(head, &ahead);
    if condition.is_ok() && ahead.peek(Token![!]) {
        return Ok(None); // a macro call such as `concat!("…")`
    }
    // The head cannot start a template either, so report its error.
    let condition = condition?;
    if !ahead.peek(Token![=>]) {
        if ahead.peek(token::Paren) {
            return Err(operand::no_operand(&input.parse()?));
        }
        return Err(ahead.error("expected `=>` and instructions after the condition of an arm"));
    }
    let arrow: Token![=>] = ahead.parse()?;
    input.advance_to(&ahead);
    Ok(Some((head, condition, arrow.spans[0])))
}

impl Alternative {
    fn validate(self) -> syn::Result<Self> {
        if self.default.iter().all(Piece::is_blank) {
            let default = self.default.first().map(Piece::span);
            let arm = self.arms.first().map(|arm| arm.head);
            return Err(syn::Error::new(
                default.or(arm).unwrap_or_else(Span::call_site),
                "the default instructions are missing: they come first, and run until the patch and wherever no arm applies",
            ));
        }
        if self.arms.is_empty() {
            return Err(syn::Error::new(
                Span::call_site(),
                "there is no arm: add `CAP => \"instructions\"`, or use `asm!`",
            ));
        }
        for arm in &self.arms {
            if let Body::Text(text) = &arm.body {
                if text.iter().all(Piece::is_blank) {
                    return Err(syn::Error::new(text[0].span(), EMPTY_ARM));
                }
                arm_text::check(text)?;
            }
        }
        Ok(self)
    }
}

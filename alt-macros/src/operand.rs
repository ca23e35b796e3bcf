//! The operands of `asm!`, parsed only as far as needed to put our own `const`
//! operands among them in an order that `asm!` accepts.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Block, Expr, Ident, LitStr, Path, Token, parenthesized};

/// Where `asm!` wants an operand: positional before named before explicit
/// registers; `clobber_abi` and `options` may come last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Positional,
    Named,
    Register,
    Last,
}

/// One operand, clobber or options list, as the user wrote it.
pub struct Operand {
    place: Place,
    tokens: TokenStream,
}

const KEYWORDS: [&str; 10] = [
    "in", "out", "inout", "lateout", "inlateout", "const", "sym", "label", "options",
    "clobber_abi",
];

/// Whether an operand starts here (not a template string and not an arm).
pub fn peek(input: ParseStream) -> bool {
    let ahead = input.fork();
    let Ok(word) = Ident::parse_any(&ahead) else {
        return false;
    };
    let named = ahead.peek(Token![=]) && !ahead.peek(Token![=>]) && !ahead.peek(Token![==]);
    // A cpucap may be called like a keyword of `asm!`; then `=>` or `&` follows.
    let keyword = KEYWORDS.contains(&word.to_string().as_str())
        && !ahead.peek(Token![=>])
        && !ahead.peek(Token![&])
        && !ahead.peek(Token![|]);
    named || keyword
}

/// The operands of one macro call.
#[derive(Default)]
pub struct Operands {
    list: Vec<Operand>,
    /// `options(raw)` was given: braces in the template mean themselves.
    pub raw: bool,
}

impl Operands {
    /// Parses one operand and keeps it.
    pub fn parse_one(&mut self, input: ParseStream) -> syn::Result<()> {
        let mut name = None;
        if input.peek2(Token![=]) {
            let ident = Ident::parse_any(input)?;
            if ident.to_string().starts_with("__alt") {
                return Err(syn::Error::new(
                    ident.span(),
                    "names that begin with `__alt` are used by the macro itself: choose another",
                ));
            }
            input.parse::<Token![=]>()?;
            name = Some(ident);
        }
        let operand = self.parse_kind(input, name)?;
        self.list.extend(operand);
        Ok(())
    }

    fn parse_kind(&mut self, input: ParseStream, name: Option<Ident>) -> syn::Result<Option<Operand>> {
        let keyword = Ident::parse_any(input)?;
        let prefix = name.as_ref().map(|n| quote!(#n =));
        let by_name = if name.is_some() { Place::Named } else { Place::Positional };
        let (place, rest) = match keyword.to_string().as_str() {
            kind @ ("in" | "out" | "inout" | "lateout" | "inlateout") => {
                let content;
                parenthesized!(content in input);
                let explicit = content.peek(LitStr);
                let register: TokenStream = content.parse()?;
                let mut rest = quote!((#register));
                input.parse::<Expr>()?.to_tokens(&mut rest);
                if kind.starts_with("in") && kind != "in" && input.peek(Token![=>]) {
                    input.parse::<Token![=>]>()?.to_tokens(&mut rest);
                    input.parse::<Expr>()?.to_tokens(&mut rest);
                }
                (if explicit { Place::Register } else { by_name }, rest)
            }
            "const" => (by_name, input.parse::<Expr>()?.to_token_stream()),
            "sym" => (by_name, input.parse::<Path>()?.to_token_stream()),
            "label" => (by_name, input.parse::<Block>()?.to_token_stream()),
            "clobber_abi" => {
                let content;
                parenthesized!(content in input);
                let abis: TokenStream = content.parse()?;
                (Place::Last, quote!((#abis)))
            }
            "options" => return self.parse_options(input, keyword),
            other => {
                return Err(syn::Error::new(
                    keyword.span(),
                    format!("`{other}` is no operand of `asm!`: write `in(reg)`, `out(reg)`, `inout(reg)`, `lateout(reg)`, `inlateout(reg)`, `const`, `sym` or `label`"),
                ));
            }
        };
        Ok(Some(Operand { place, tokens: quote!(#prefix #keyword #rest) }))
    }

    fn parse_options(&mut self, input: ParseStream, keyword: Ident) -> syn::Result<Option<Operand>> {
        let content;
        parenthesized!(content in input);
        let options = Punctuated::<Ident, Token![,]>::parse_terminated_with(&content, Ident::parse_any)?;
        let mut kept = Vec::new();
        for option in options {
            match option.to_string().as_str() {
                "pure" => {
                    return Err(syn::Error::new(
                        option.span(),
                        "`pure` is not allowed here: the compiler would merge this site with one that runs before the patch; remove it",
                    ));
                }
                // Our own text needs placeholders, so the user's is escaped instead.
                "raw" => self.raw = true,
                _ => kept.push(option),
            }
        }
        if kept.is_empty() {
            return Ok(None);
        }
        Ok(Some(Operand { place: Place::Last, tokens: quote!(#keyword(#(#kept),*)) }))
    }

    /// All operands in order, with `ours` (named ones) among them.
    pub fn with(&self, ours: Vec<TokenStream>) -> TokenStream {
        let at = |place| self.list.iter().filter(move |o| o.place == place).map(|o| &o.tokens);
        let positional = at(Place::Positional);
        let named = at(Place::Named);
        let registers = at(Place::Register);
        let last = at(Place::Last);
        quote!(#(#positional,)* #(#ours,)* #(#named,)* #(#registers,)* #(#last,)*)
    }
}

/// A piece of the template: a string literal, or a macro call such as `concat!`
/// that expands to one.
pub struct Piece(Expr);

impl Parse for Piece {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let expr: Expr = input.parse()?;
        match &expr {
            Expr::Lit(lit) if matches!(lit.lit, syn::Lit::Str(_)) => Ok(Self(expr)),
            Expr::Macro(_) => Ok(Self(expr)),
            _ => Err(syn::Error::new(
                expr.span(),
                "expected instructions as a string literal, an arm `CAP => \"…\"`, or an operand of `asm!`",
            )),
        }
    }
}

impl Piece {
    /// Where the user wrote it.
    pub fn span(&self) -> Span {
        self.0.span()
    }

    /// A literal that holds no text at all; of a macro call nothing is known.
    pub fn is_blank(&self) -> bool {
        self.literal().is_some_and(|s| s.value().trim().is_empty())
    }

    fn literal(&self) -> Option<&LitStr> {
        match &self.0 {
            Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(s), .. }) => Some(s),
            _ => None,
        }
    }

    /// The piece as a template of `asm!`; with `raw`, its braces are escaped.
    pub fn template(&self, raw: bool) -> syn::Result<TokenStream> {
        if !raw {
            return Ok(self.0.to_token_stream());
        }
        let literal = self.literal().ok_or_else(|| {
            syn::Error::new(self.span(), "with `options(raw)` the template must be string literals")
        })?;
        let escaped = literal.value().replace('{', "{{").replace('}', "}}");
        Ok(LitStr::new(&escaped, literal.span()).to_token_stream())
    }
}

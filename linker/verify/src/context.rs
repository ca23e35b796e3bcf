//! The input of the rules.

use std::cell::OnceCell;

use alt_image::code::Code;
use alt_image::graph::{Edge, Graph};
use alt_image::image::{Image, Place, Symbol, demangle};
use alt_image::load::Loaded;
use alt_image::names::CapNames;
use alt_image::patching::{Host, HostError};
use alt_image::records::Records;
use alt_runtime::cap::CapTable;

use crate::arms::{self, MovedArm};
use crate::bounds::KernelBounds;
use crate::config::{Config, Places, Region};
use crate::namespaces::Namespaces;
use crate::refusals::Refusals;
use crate::seal::{Seal, SealedSection, SealedSite};

/// An image, with all that is computed once for all rules.
#[derive(Debug)]
pub struct Context<'a> {
    /// The image.
    pub image: &'a Image,
    /// Its records.
    pub records: &'a Records,
    /// The names of its cpucaps.
    pub names: &'a CapNames,
    /// The seal to compare it with.
    pub seal: Option<&'a Seal>,
    seal_now: (OnceCell<Vec<SealedSite>>, OnceCell<Vec<SealedSection>>),
    /// Its cpucaps, if they are known.
    pub caps: Option<&'static CapTable>,
    /// The rules file.
    pub config: Config,
    /// The namespaces that it declares.
    pub namespaces: Namespaces,
    kernel_bounds: OnceCell<KernelBounds>,
    code: OnceCell<Code>,
    /// Built on first use, because it takes longer than all other steps.
    graph: OnceCell<Graph>,
    /// The sites that the patcher would refuse.
    pub refusals: Refusals,
    /// The sites after applying each arm that it would not refuse.
    pub arms: Vec<MovedArm>,
}

impl<'a> Context<'a> {
    /// Runs the patcher on each site.
    ///
    /// # Errors
    /// The image cannot be given to the patcher.
    pub fn new(
        image: &'a Image,
        records: &'a Records,
        names: &'a CapNames,
    ) -> Result<Self, HostError> {
        let host = Host::new(image, records)?;
        Ok(Self {
            image,
            records,
            names,
            code: OnceCell::new(),
            seal: None,
            seal_now: Default::default(),
            caps: None,
            config: Config::default(),
            namespaces: Namespaces::of(image),
            kernel_bounds: OnceCell::new(),
            graph: OnceCell::new(),
            refusals: Refusals::new(&host, names),
            arms: arms::moved(&host),
        })
    }

    /// The context of a loaded image, with its cpucaps if it has one table.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of(loaded: &'a Loaded) -> Result<Self, HostError> {
        let context = Self::new(&loaded.image, &loaded.records, &loaded.names)?;
        Ok(match &loaded.caps[..] {
            [caps] => context.with_caps(Some(caps.table())),
            _ => context,
        })
    }

    /// Sets the cpucaps, which rules about scopes require.
    #[must_use]
    pub fn with_caps(self, caps: Option<&'static CapTable>) -> Self {
        Self { caps, ..self }
    }

    /// Sets the rules file.
    #[must_use]
    pub fn with_config(self, config: Config) -> Self {
        Self {
            config,
            kernel_bounds: OnceCell::new(),
            ..self
        }
    }

    /// Sets the seal to compare with.
    #[must_use]
    pub fn sealed(self, seal: Option<&'a Seal>) -> Self {
        Self { seal, ..self }
    }

    /// The digests of the sites of the image.
    pub(crate) fn sites_now(&self) -> &[SealedSite] {
        let (sites, _) = &self.seal_now;
        sites.get_or_init(|| Seal::sites_of(self.image, self.records))
    }

    /// The digests of the sections of the image.
    pub(crate) fn sections_now(&self) -> &[SealedSection] {
        let (_, sections) = &self.seal_now;
        sections.get_or_init(|| Seal::sections_of(self.image, self.records))
    }

    /// The regions: those of the rules file, and the namespaces.
    pub(crate) fn regions(&self) -> impl Iterator<Item = &Region> {
        let namespaces = self.namespaces.list.iter();
        let namespaces = namespaces.map(|namespace| &namespace.region);
        self.config.regions.iter().chain(namespaces)
    }

    /// The instructions of the text in `places`. The places come from symbols and may be arbitrarily
    /// large, so addresses outside of the text are skipped as ranges.
    pub(crate) fn instructions_in(&self, places: &Places) -> impl Iterator<Item = (u64, u32)> {
        let sections = self.image.executable();
        let common = sections.flat_map(|section| {
            let ranges = places.ranges().iter();
            ranges.map(|range| {
                let start = section.range.start.max(range.start);
                start..section.range.end.min(range.end)
            })
        });
        // The start of a range that is not empty is in a section, so no address wraps.
        let common = common.filter(|range| !range.is_empty());
        let addresses = common.flat_map(|r| (r.start.next_multiple_of(4)..r.end).step_by(4));
        let words = addresses.filter_map(|at| Some((at, self.image.word(at)?)));
        words.filter(|(at, _)| !self.image.symbols().is_data(*at))
    }

    /// The bounds of the parts of the kernel.
    pub(crate) fn kernel_bounds(&self) -> &KernelBounds {
        self.kernel_bounds
            .get_or_init(|| KernelBounds::of(self.image, &self.config))
    }

    /// The PC-relative instructions of the image.
    pub fn code(&self) -> &Code {
        self.code.get_or_init(|| Code::new(self.image))
    }

    /// The reference graph.
    pub fn graph(&self) -> &Graph {
        self.graph
            .get_or_init(|| Graph::build(self.image, self.records, self.code()))
    }

    /// A place for explanations: `memcpy+0x10 (0x…)`, or the address alone.
    pub fn place(&self, address: u64) -> String {
        match self.image.place(address) {
            Some(place) => format!("{place} ({address:#x})"),
            None => format!("{address:#x}"),
        }
    }

    /// The target of a reference for explanations: by the symbol of the kept relocation, since a
    /// bound of another part may have the same address.
    pub(crate) fn target(&self, edge: &Edge) -> String {
        match self.named(edge) {
            Some(place) => format!("{place} ({:#x})", edge.target),
            None => self.place(edge.target),
        }
    }

    /// The symbol of the target of a reference, for paths.
    pub(crate) fn target_name(&self, edge: &Edge) -> String {
        match self.named(edge) {
            Some(place) => place.symbol,
            None => self.graph().name(self.image, edge.to),
        }
    }

    /// The symbols to which a reference may refer: that of the kept relocation, or all at the
    /// target address.
    pub(crate) fn symbols_of(&self, edge: &Edge) -> impl Iterator<Item = &Symbol> {
        let kept = self
            .image
            .relocations_in(edge.at..edge.at.saturating_add(1));
        let kept: Vec<_> = kept
            .iter()
            .filter(|kept| kept.target == edge.target)
            .collect();
        // Bounds in a linker script may be absolute.
        let symbols = self.image.symbols().starting_at(edge.target).iter();
        symbols.filter(move |symbol| {
            kept.is_empty() || kept.iter().any(|kept| kept.symbol == symbol.name)
        })
    }

    fn named(&self, edge: &Edge) -> Option<Place> {
        let mut kept = self
            .image
            .relocations_in(edge.at..edge.at.checked_add(1)?)
            .iter();
        let kept = kept.find(|kept| kept.target == edge.target && !kept.symbol.is_empty())?;
        let offset = edge.target.checked_sub(self.image.symbol(&kept.symbol)?)?;
        Some(Place {
            symbol: demangle(&kept.symbol),
            offset,
        })
    }
}

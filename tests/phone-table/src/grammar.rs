//! One calling code's rules as an automaton over the digits that follow the code.
//!
//! The rules of libphonenumber (`GetRegionCodeForNumber`, `GetNumberTypeHelper`), restated: of a code's countries the
//! first one whose leading digits match, or that knows a type for the number, owns it; the first type in [`TYPES`]
//! whose pattern and lengths match is the number's; a number without a type is invalid.

#![expect(
    deprecated,
    reason = "the crate marks fields that its own wrapper empties; these are read before any wrapper"
)]

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use anyhow::Context;
use anyhow::Result;
use rlibphonenumber::PhoneMetadata;
use rlibphonenumber::PhoneNumberDesc;
use tiffin_shared::phone::Kind;

use crate::graph::Answer;
use crate::graph::Graph;
use crate::graph::NodeId;
use crate::pack::letters;
use crate::rule::At;
use crate::rule::Rule;

/// ITU-T E.164: digits of a number, its calling code included.
const DIGITS_MAX: usize = 15;

/// In the order they are asked. Fixed line and mobile come last and together.
const TYPES: [(Kind, Field); 8] = [
    (Kind::PremiumRate, |plan| &plan.premium_rate),
    (Kind::TollFree, |plan| &plan.toll_free),
    (Kind::SharedCost, |plan| &plan.shared_cost),
    (Kind::Voip, |plan| &plan.voip),
    (Kind::PersonalNumber, |plan| &plan.personal_number),
    (Kind::Pager, |plan| &plan.pager),
    (Kind::Uan, |plan| &plan.uan),
    (Kind::Voicemail, |plan| &plan.voicemail),
];
type Field = fn(&PhoneMetadata) -> &Option<PhoneNumberDesc>;

/// The rules of a plan's types.
pub(crate) fn of_types(plan: &PhoneMetadata) -> Result<Vec<Option<Rule>>> {
    let fields = TYPES.iter().map(|(_, field)| field(plan));
    fields.chain([&plan.fixed_line, &plan.mobile]).map(Rule::desc).collect()
}

/// One country's rules under a calling code.
struct Country {
    letters: Option<u16>,
    general: Rule,
    /// By kind, in the order they are asked; then fixed line, then mobile.
    types: Vec<(Kind, Rule)>,
    fixed: Option<Rule>,
    mobile: Option<Rule>,
    mobile_is_fixed: bool,
    leading: Option<Rule>,
}

/// Where a country's rules stand.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Standing {
    general: At,
    types: Vec<At>,
    fixed: At,
    mobile: At,
    leading: At,
    /// Its leading digits were seen: the number is its own, valid or not.
    owns: bool,
}

impl Country {
    fn new(plan: &PhoneMetadata) -> Result<Self> {
        let mut types = Vec::new();
        for (kind, field) in TYPES {
            types.extend(Rule::desc(field(plan))?.map(|rule| (kind, rule)));
        }
        Ok(Self {
            letters: letters(&plan.id),
            general: Rule::desc(&plan.general_desc)?.context("a plan without a general rule")?,
            types,
            fixed: Rule::desc(&plan.fixed_line)?,
            mobile: Rule::desc(&plan.mobile)?,
            mobile_is_fixed: plan.same_mobile_and_fixed_line_pattern.unwrap_or(false),
            leading: plan
                .leading_digits
                .as_ref()
                .map(|digits| Rule::pattern(digits, u32::MAX))
                .transpose()?,
        })
    }

    fn start(&self) -> Result<Standing> {
        let start = |rule: &Option<Rule>| rule.as_ref().map_or(Ok(None), Rule::start);
        Ok(Standing {
            general: self.general.start()?,
            types: self.types.iter().map(|(_, rule)| rule.start()).collect::<Result<_>>()?,
            fixed: start(&self.fixed)?,
            mobile: start(&self.mobile)?,
            leading: start(&self.leading)?,
            owns: false,
        })
    }

    fn next(&self, at: &Standing, digit: u8, depth: usize) -> Standing {
        let next = |rule: &Option<Rule>, at| rule.as_ref().and_then(|rule| rule.next(at, digit, depth));
        let mut standing = Standing {
            general: self.general.next(at.general, digit, depth),
            types: self
                .types
                .iter()
                .zip(&at.types)
                .map(|((_, rule), at)| rule.next(*at, digit, depth))
                .collect(),
            fixed: next(&self.fixed, at.fixed),
            mobile: next(&self.mobile, at.mobile),
            leading: next(&self.leading, at.leading),
            owns: at.owns,
        };
        standing.owns |= self.leading.as_ref().is_some_and(|rule| rule.matches(standing.leading, depth));
        if standing.owns {
            standing.leading = None;
        }
        let typed = standing.types.iter().chain([&standing.fixed, &standing.mobile]).any(Option::is_some);
        if standing.general.is_none() || !typed {
            standing.silence();
        }
        standing
    }

    fn kind(&self, at: &Standing, depth: usize) -> Option<Kind> {
        let matches = |rule: &Option<Rule>, at| rule.as_ref().is_some_and(|rule| rule.matches(at, depth));
        if !self.general.matches(at.general, depth) {
            return None;
        }
        let special = self.types.iter().zip(&at.types).find(|((_, rule), at)| rule.matches(**at, depth));
        if let Some(((kind, _), _)) = special {
            return Some(*kind);
        }
        let mobile = matches(&self.mobile, at.mobile);
        match matches(&self.fixed, at.fixed) {
            true if self.mobile_is_fixed || mobile => Some(Kind::FixedLineOrMobile),
            true => Some(Kind::FixedLine),
            false => (mobile && !self.mobile_is_fixed).then_some(Kind::Mobile),
        }
    }
}

impl Standing {
    /// No type can match any more.
    fn silence(&mut self) {
        self.general = None;
        self.types.fill(None);
        self.fixed = None;
        self.mobile = None;
    }

    /// It can own no further number.
    fn is_over(&self) -> bool {
        self.general.is_none() && self.leading.is_none() && !self.owns
    }
}

struct Walk<'a> {
    countries: Vec<Country>,
    digits_max: usize,
    graph: &'a mut Graph,
    /// Standing at a depth, to what follows from it.
    seen: HashMap<(usize, Vec<Standing>), NodeId>,
}

impl Walk<'_> {
    fn answer(&self, standings: &[Standing], depth: usize) -> Answer {
        // A sole country's name is the calling code's: kept once there, not in the nodes.
        let sole = self.countries.len() == 1;
        for (country, at) in self.countries.iter().zip(standings) {
            let kind = country.kind(at, depth);
            if at.owns || kind.is_some() {
                return kind.map(|kind| (country.letters.filter(|_| !sole), kind));
            }
        }
        None
    }

    fn node(&mut self, depth: usize, mut standings: Vec<Standing>) -> NodeId {
        // Behind a country that owns the number no other is asked.
        let owner = standings.iter().position(|at| at.owns);
        for at in standings.iter_mut().skip(owner.map_or(usize::MAX, |owner| owner + 1)) {
            at.silence();
            at.leading = None;
            at.owns = false;
        }
        let silent = standings.iter().all(|at| at.general.is_none());
        if silent || standings.iter().all(Standing::is_over) {
            return Graph::DEAD;
        }
        let key = (depth, standings);
        if let Some(known) = self.seen.get(&key) {
            return *known;
        }
        let standings = key.1;
        let answer = self.answer(&standings, depth);
        let mut children = [Graph::DEAD; 10];
        if depth < self.digits_max {
            for (digit, child) in (0..).zip(&mut children) {
                let next = self.countries.iter().zip(&standings);
                let next = next.map(|(country, at)| country.next(at, digit, depth + 1)).collect();
                *child = self.node(depth + 1, next);
            }
        }
        let id = self.graph.add(answer, children);
        match self.seen.entry((depth, standings)) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(free) => *free.insert(id),
        }
    }
}

/// The automaton of the digits after `code`.
pub fn compile(code: u16, plans: &[PhoneMetadata], graph: &mut Graph) -> Result<NodeId> {
    let countries = plans.iter().map(Country::new).collect::<Result<Vec<_>>>()?;
    let start = countries.iter().map(Country::start).collect::<Result<Vec<_>>>()?;
    let digits_max = DIGITS_MAX - code.to_string().len();
    Ok(Walk { countries, digits_max, graph, seen: HashMap::new() }.node(0, start))
}

//! Nodes, equal ones shared: a minimal automaton, because they are made from the leaves up.
//!
//! Then each answer moves as far to the front as it can: where all numbers behind a node are of one country, or of one kind,
//! that is said once before it, and what is left behind is the same in many countries.

use std::collections::BTreeSet;
use std::collections::HashMap;

use tiffin_shared::phone::Kind;

/// An index into the graph.
pub type NodeId = u32;

/// What a number that ends here is: a country's letters unless the calling code names it already, and a kind.
pub type Answer = Option<(Option<u16>, Kind)>;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Node {
    answer: Answer,
    children: [NodeId; 10],
}

/// The nodes as the rules give them.
pub struct Graph {
    nodes: Vec<Node>,
    ids: HashMap<Node, NodeId>,
}

impl Default for Graph {
    fn default() -> Self {
        let dead = Node { answer: None, children: [Self::DEAD; 10] };
        Self { nodes: vec![dead.clone()], ids: HashMap::from([(dead, Self::DEAD)]) }
    }
}

impl Graph {
    /// No valid number follows.
    pub const DEAD: NodeId = 0;

    /// The node with this answer and these children.
    pub fn add(&mut self, answer: Answer, children: [NodeId; 10]) -> NodeId {
        let node = Node { answer, children };
        let next = NodeId::try_from(self.nodes.len()).unwrap_or(NodeId::MAX);
        *self.ids.entry(node.clone()).or_insert_with(|| {
            self.nodes.push(node);
            next
        })
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.nodes.len() <= 1
    }
}

/// A step of the final automaton.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Step {
    /// Everything from here on is this country's.
    Country(u16, StepId),
    /// Everything from here on is of this kind.
    Kind(Kind, StepId),
    /// A number that ends here is this country's; a longer one goes on.
    CountryHere(u16, StepId),
    /// A number that ends here is of this kind; a longer one goes on.
    KindHere(Kind, StepId),
    /// Reads a digit; or accepts what was said, if the number ends here.
    Digit(bool, [StepId; 10]),
}

/// An index into the steps.
pub type StepId = u32;

/// The final automaton. Step 0 is dead.
pub struct Steps {
    /// Children come before their parents.
    pub steps: Vec<Step>,
    ids: HashMap<Step, StepId>,
    memo: HashMap<(NodeId, bool, bool), StepId>,
    sets: Vec<(BTreeSet<Option<u16>>, BTreeSet<Kind>)>,
}

impl Steps {
    /// Prepares to take steps out of `graph`.
    pub fn new(graph: &Graph) -> Self {
        let mut sets: Vec<(BTreeSet<_>, BTreeSet<_>)> = Vec::with_capacity(graph.len());
        // Children have smaller ids than their parents.
        for node in &graph.nodes {
            let (mut countries, mut kinds): (BTreeSet<_>, BTreeSet<_>) = node.answer.into_iter().unzip();
            let children: BTreeSet<_> = node.children.iter().collect();
            for (more_countries, more_kinds) in children.iter().filter_map(|child| sets.get(**child as usize))
            {
                countries.extend(more_countries);
                kinds.extend(more_kinds);
            }
            sets.push((countries, kinds));
        }
        let dead = Step::Digit(false, [0; 10]);
        Self { steps: vec![dead.clone()], ids: HashMap::from([(dead, 0)]), memo: HashMap::new(), sets }
    }

    fn add(&mut self, step: Step) -> StepId {
        let next = StepId::try_from(self.steps.len()).unwrap_or(StepId::MAX);
        *self.ids.entry(step.clone()).or_insert_with(|| {
            self.steps.push(step);
            next
        })
    }

    /// The steps of a node, given whether country and kind have been said on the way to it.
    pub fn of(&mut self, graph: &Graph, id: NodeId, country_said: bool, kind_said: bool) -> StepId {
        if id == Graph::DEAD {
            return 0;
        }
        if let Some(known) = self.memo.get(&(id, country_said, kind_said)) {
            return *known;
        }
        let (Some(node), Some((countries, kinds))) =
            (graph.nodes.get(id as usize), self.sets.get(id as usize))
        else {
            return 0;
        };
        let sole_country = countries.first().filter(|_| countries.len() == 1 && !country_said).copied();
        let sole_kind = kinds.first().filter(|_| kinds.len() == 1 && !kind_said).copied();
        let step = if let Some(country) = sole_country {
            let rest = self.of(graph, id, true, kind_said);
            country.map_or(rest, |country| self.add(Step::Country(country, rest)))
        } else if let Some(kind) = sole_kind {
            let rest = self.of(graph, id, country_said, true);
            self.add(Step::Kind(kind, rest))
        } else {
            let children = node.children.map(|child| self.of(graph, child, country_said, kind_said));
            let mut step = self.add(Step::Digit(node.answer.is_some(), children));
            if let Some((country, kind)) = node.answer {
                if !kind_said {
                    step = self.add(Step::KindHere(kind, step));
                }
                if let Some(country) = country.filter(|_| !country_said) {
                    step = self.add(Step::CountryHere(country, step));
                }
            }
            step
        };
        self.memo.insert((id, country_said, kind_said), step);
        step
    }
}

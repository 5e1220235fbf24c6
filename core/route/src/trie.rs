//! Longest-prefix search over the routes of one direction and one owner.
//!
//! The first digits (up to six, by the number of routes) are one array index; what follows is a path-compressed
//! decimal trie whose nodes are 16 octets and whose children lie side by side. A random million of prefixes takes one
//! index read and one or two nodes; the worst table takes one node a digit.

use crate::digits::Digits;

/// No route.
pub(crate) const NONE: u32 = NODE_MASK as u32;
/// Route numbers and node numbers are below this.
pub(crate) const NUMBERS_MAX: usize = NODE_MASK as usize;

/// The compiled prefixes of one owner.
#[derive(Debug)]
pub(crate) struct Trie {
    /// How many leading digits the index covers.
    indexed: usize,
    /// For every digit string of exactly `indexed` digits.
    index: Box<[Slot]>,
    /// For every shorter digit string, by length: the route of its longest prefix.
    shallow: Box<[u32]>,
    nodes: Box<[Node]>,
}

/// How far a search has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    /// The route of the longest prefix so far.
    pub(crate) route: u32,
    node: u32,
    position: u32,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The longest route that the indexed digits already decide.
    route: u32,
    /// Where longer prefixes continue, or `NONE`.
    node: u32,
}

impl Trie {
    /// `entries`: prefixes and route numbers, sorted by prefix, each prefix once, fewer than a quarter of
    /// [`NUMBERS_MAX`].
    pub(crate) fn build(entries: &[(Digits, u32)]) -> Self {
        let indexed = index_digits(entries.len());
        let mut shallow = vec![NONE; shallow_start(indexed)];
        let mut index = vec![Slot { route: NONE, node: NONE }; 10_usize.pow(indexed as u32)];
        for length in 0..=indexed {
            for &(prefix, route) in entries.iter().filter(|(prefix, _)| prefix.len() == length) {
                spread(prefix, route, indexed, &mut shallow, &mut index);
            }
        }
        let mut nodes = Vec::new();
        let deep: Vec<(Digits, u32)> =
            entries.iter().copied().filter(|(prefix, _)| prefix.len() > indexed).collect();
        for bucket in deep.chunk_by(|left, right| left.0.first(indexed) == right.0.first(indexed)) {
            let number = nodes.len();
            nodes.push(Node::EMPTY);
            grow(&mut nodes, number, bucket, indexed);
            index[bucket[0].0.decimal(indexed)].node = number as u32;
        }
        Self { indexed, index: index.into(), shallow: shallow.into(), nodes: nodes.into() }
    }

    /// The route of the longest prefix of `digits`; `NONE` when there is none.
    #[inline]
    pub(crate) fn longest(&self, digits: Digits) -> u32 {
        let mut walk = self.enter(digits);
        while self.step(digits, &mut walk) {}
        walk.route
    }

    /// What the index decides, and where to go on.
    #[inline]
    pub(crate) fn enter(&self, digits: Digits) -> Walk {
        let length = digits.len();
        if length < self.indexed {
            let route = self.shallow[shallow_start(length) + digits.decimal(length)];
            return Walk { route, node: NONE, position: 0 };
        }
        let slot = self.index[digits.decimal(self.indexed)];
        Walk { route: slot.route, node: slot.node, position: self.indexed as u32 }
    }

    /// Visits one node; false when there is none left.
    #[inline]
    pub(crate) fn step(&self, digits: Digits, walk: &mut Walk) -> bool {
        if walk.node == NONE {
            return false;
        }
        let node = self.nodes[walk.node as usize];
        let from = walk.position as usize;
        let position = from + node.skip();
        walk.node = NONE;
        if position > digits.len() || !node.label_matches(digits.from(from)) {
            return false;
        }
        if node.route() != NONE {
            walk.route = node.route();
        }
        if position == digits.len() {
            return false;
        }
        walk.node = node.child(digits.digit(position));
        walk.position = position as u32 + 1;
        walk.node != NONE
    }

    /// Octets on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.index) + size_of_val(&*self.shallow) + size_of_val(&*self.nodes)
    }
}

/// One branching point or end of a prefix, with the run of digits that leads to it from its parent's branch.
///
/// `label`: up to 14 digits in the upper 56 bits, their count in the lowest 4.
/// `links`: 10 bits of children, 27 bits of first child, 27 bits of route.
#[derive(Clone, Copy, Debug)]
struct Node {
    label: u64,
    links: u64,
}

// Four nodes a cache line, none across two.
const _: () = assert!(size_of::<Node>() == 16);

impl Node {
    const EMPTY: Self = Self { label: 0, links: 0 };

    fn new(run: u64, skip: usize, children: u32, first_child: usize, route: u32) -> Self {
        let kept = if skip == 0 { 0 } else { run & (u64::MAX << (64 - 4 * skip)) };
        Self {
            label: kept | skip as u64,
            links: u64::from(children) << 54 | (first_child as u64) << 27 | u64::from(route),
        }
    }

    #[inline]
    const fn skip(self) -> usize {
        (self.label & 0xf) as usize
    }

    #[inline]
    const fn label_matches(self, digits: u64) -> bool {
        // Shifted in two steps: a shift by 64 is no shift.
        let count = self.skip();
        ((digits ^ self.label) >> 1) >> (63 - 4 * count) == 0
    }

    #[inline]
    const fn route(self) -> u32 {
        (self.links & NODE_MASK) as u32
    }

    #[inline]
    const fn child(self, digit: u32) -> u32 {
        let children = (self.links >> 54) as u32;
        if children & (1 << digit) == 0 {
            return NONE;
        }
        let first = (self.links >> 27 & NODE_MASK) as u32;
        first + (children & ((1 << digit) - 1)).count_ones()
    }
}

/// Fills node `number` for `entries`, which are not empty and agree on their first `from` digits.
fn grow(nodes: &mut Vec<Node>, number: usize, entries: &[(Digits, u32)], from: usize) {
    let (first, last) = (entries[0], entries[entries.len() - 1]);
    let common = first.0.common(last.0);
    let (route, below) = if first.0.len() == common { (first.1, &entries[1..]) } else { (NONE, entries) };
    let first_child = nodes.len();
    let mut children = 0_u32;
    for group in below.chunk_by(|left, right| left.0.digit(common) == right.0.digit(common)) {
        children |= 1 << group[0].0.digit(common);
        nodes.push(Node::EMPTY);
    }
    nodes[number] = Node::new(first.0.from(from), common - from, children, first_child, route);
    let groups = below.chunk_by(|left, right| left.0.digit(common) == right.0.digit(common));
    for (offset, group) in groups.enumerate() {
        grow(nodes, first_child + offset, group, common + 1);
    }
}

/// Writes a short prefix over every indexed digit string that begins with it. Called by ascending length.
fn spread(prefix: Digits, route: u32, indexed: usize, shallow: &mut [u32], index: &mut [Slot]) {
    let length = prefix.len();
    let value = prefix.decimal(length);
    for covered in length..indexed {
        let width = 10_usize.pow((covered - length) as u32);
        let start = shallow_start(covered) + value * width;
        shallow[start..start + width].fill(route);
    }
    let width = 10_usize.pow((indexed - length) as u32);
    for slot in &mut index[value * width..(value + 1) * width] {
        slot.route = route;
    }
}

/// As many digits as keep the index below four slots a route.
fn index_digits(count: usize) -> usize {
    (1..=INDEX_DIGITS_MAX).take_while(|&digits| 10_usize.pow(digits as u32) <= 4 * count).last().unwrap_or(0)
}

/// Where the digit strings of this length begin in `shallow`: after 1 + 10 + 100 ... shorter ones.
#[inline]
const fn shallow_start(length: usize) -> usize {
    SHALLOW_STARTS[length]
}

const INDEX_DIGITS_MAX: usize = 6;
const SHALLOW_STARTS: [usize; INDEX_DIGITS_MAX + 1] = [0, 1, 11, 111, 1_111, 11_111, 111_111];
const NODE_MASK: u64 = (1 << 27) - 1;

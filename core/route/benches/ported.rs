//! Time and memory of ported numbers: `cargo bench -p brivas-route --bench ported -- [NUMBERS]`, by default ten
//! million. The file is made as it is read. Look-ups are timed apart from each other (each waits for the one before, as
//! in an engine that does other things between) and together.

mod stopwatch;

use std::hint::black_box;
use std::io::{self, BufRead, Read};

use brivas_route::{PortedNumbers, destination_hash};
use stopwatch::Stopwatch;

const LOOKUPS: usize = 4_194_304;

fn main() {
    let count = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(10_000_000);
    measure("sorted, one range", count, |turn| 447_000_000_000 + turn * 97);
    measure("in no order, many countries", count, |turn| {
        let drawn = destination_hash(&turn.to_be_bytes());
        (100 + drawn % 890) * 1_000_000_000 + (drawn >> 16) % 1_000_000_000
    });
}

fn measure(shape: &str, count: u64, number: impl Fn(u64) -> u64 + Copy) {
    let began = Stopwatch::start();
    let reader = Lines { count, turn: 0, number, line: Vec::new(), read: 0 };
    let table = PortedNumbers::load(reader).unwrap_or_else(|error| panic!("{error}"));
    let load_ms = began.elapsed().as_millis();
    // Beside each other, so that the numbers themselves are not waited for.
    let digits = |number: u64| -> [u8; 12] {
        let mut text = [b'0'; 12];
        text.copy_from_slice(&format!("{number:012}").as_bytes()[..12]);
        text
    };
    let known: Vec<_> =
        (0..1 << 20).map(|turn: u64| digits(number(destination_hash(&turn.to_be_bytes()) % count))).collect();
    let unknown: Vec<_> = (0..1 << 20).map(|turn: u64| digits(number(count + turn * 7))).collect();
    let (known_alone, known_together, found) = time(&table, &known);
    let (unknown_alone, unknown_together, _) = time(&table, &unknown);
    println!(
        "{shape}: {} numbers in {:.2} octets each, loaded in {load_ms} ms (peak of the process {} MB); look-up of a \
         known number {known_alone:.0} ns alone, {known_together:.0} ns together, of an unknown one \
         {unknown_alone:.0} and {unknown_together:.0} ns; found {:.0} %",
        table.len(),
        table.heap_bytes() as f64 / table.len() as f64,
        peak_mb(),
        100.0 * found as f64 / LOOKUPS as f64,
    );
}

fn time(table: &PortedNumbers, numbers: &[[u8; 12]]) -> (f64, f64, usize) {
    let mask = numbers.len() - 1;
    let mut found = 0_usize;
    let began = Stopwatch::start();
    for turn in 0..LOOKUPS {
        found += usize::from(table.network(&numbers[turn & mask]).is_some());
    }
    let together = began.each(LOOKUPS);
    let began = Stopwatch::start();
    let mut at = 0;
    for turn in 0..LOOKUPS {
        let network = table.network(&numbers[at]);
        // Where the next one stands depends on this one's answer.
        at = (turn + network.map_or(0, |network| network.number() as usize & 1)) & mask;
    }
    black_box(at);
    (began.each(LOOKUPS), together, found)
}

/// A file that is made as it is read.
struct Lines<F> {
    count: u64,
    turn: u64,
    number: F,
    line: Vec<u8>,
    read: usize,
}

impl<F: Fn(u64) -> u64> Read for Lines<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl<F: Fn(u64) -> u64> BufRead for Lines<F> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.read == self.line.len() {
            self.line.clear();
            self.read = 0;
            while self.turn < self.count && self.line.len() < 65_536 {
                let number = (self.number)(self.turn);
                let code = 10 + destination_hash(&number.to_be_bytes()) % 80;
                io::Write::write_fmt(&mut self.line, format_args!("{number},234-{code}\n"))?;
                self.turn += 1;
            }
        }
        Ok(&self.line[self.read..])
    }

    fn consume(&mut self, length: usize) {
        self.read += length;
    }
}

fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1_024
}

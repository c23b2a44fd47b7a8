// The figures of the last minutes, and what can be read off two of them.

/// Seconds that are kept.
export const SPAN = 300;

export class History {
  constructor() {
    this.clear();
  }

  clear() {
    /// Oldest first: {time: seconds, figures}.
    this.samples = [];
  }

  add(time, figures) {
    const last = this.samples.at(-1);
    // A server that was started anew counts from nothing.
    if (last && figures.passes && figures.passes.count < last.figures.passes.count) this.clear();
    this.samples.push({ time, figures });
    while (this.samples.length > 1 && this.samples[0].time < time - SPAN) this.samples.shift();
  }

  get last() {
    return this.samples.at(-1);
  }

  /// The latest sample that is at least so many seconds old; the oldest if none is.
  before(seconds, sample = this.last) {
    let found = this.samples[0];
    for (const other of this.samples) {
      if (other.time > sample.time - seconds) break;
      found = other;
    }
    return found;
  }

  /// How fast a count rose over the last seconds before a sample; null without two samples.
  rate(count, seconds, sample = this.last) {
    const before = this.before(seconds, sample);
    const elapsed = sample.time - before.time;
    return elapsed > 0 ? (count(sample.figures) - count(before.figures)) / elapsed : null;
  }

  /// What a count gained over the last seconds.
  gain(count, seconds, sample = this.last) {
    return count(sample.figures) - count(this.before(seconds, sample).figures);
  }

  /// Points of a chart: one for each sample.
  series(value) {
    return this.samples.map((sample) => ({ x: sample.time - this.last.time, y: value(sample) }));
  }

  /// A quantile of what a histogram counted over the last seconds; null if it counted nothing.
  quantile(share, counts, bounds, seconds, sample = this.last) {
    const before = counts(this.before(seconds, sample).figures);
    return quantile(share, counts(sample.figures).map((count, place) => count - (before[place] ?? 0)), bounds);
  }
}

/// A quantile of a histogram's counts; null if it counted nothing.
export function quantile(share, counts, bounds) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total <= 0) return null;
  let rank = share * total;
  for (const [place, count] of counts.entries()) {
    if (count > 0 && rank <= count) {
      const low = place > 0 ? bounds[place - 1] : 0;
      const high = bounds[place] ?? low;
      return low + (high - low) * (rank / count);
    }
    rank -= count;
  }
  return bounds.at(-1);
}

// SPDX-License-Identifier: MIT
//
// random - numbers that a seed decides: sfc32, begun anew for each turn, so
// that what a turn does depends on its number and on how things stand, and not
// on how many numbers those before it took.

export class Random {
  constructor(seed) {
    this.seed = seed;
    this.turn(0);
  }

  turn(number) {
    this.state = [this.seed | 0, number | 0, 0x9e3779b9 | 0, 1];
    for (let i = 0; i < 15; i++)
      this.next();
  }

  // 32 bits.
  next() {
    const s = this.state;
    const sum = (s[0] + s[1] + s[3]) | 0;
    s[3] = (s[3] + 1) | 0;
    s[0] = s[1] ^ (s[1] >>> 9);
    s[1] = (s[2] + (s[2] << 3)) | 0;
    s[2] = ((s[2] << 21) | (s[2] >>> 11)) + sum | 0;
    return sum >>> 0;
  }

  // From 0 to n - 1.
  int(n) {
    return this.next() % n;
  }

  // From `low` to `high`.
  between(low, high) {
    return low + this.int(high - low + 1);
  }

  chance(p) {
    return this.next() < p * 2 ** 32;
  }

  pick(list) {
    return list[this.int(list.length)];
  }

  // Of [weight, value] pairs.
  weighted(pairs) {
    let left = this.int(pairs.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, value] of pairs) {
      if (left < weight)
        return value;
      left -= weight;
    }
    return undefined;
  }

  // Some of a list, in its order.
  some(list, p) {
    return list.filter(() => this.chance(p));
  }
}

// SPDX-License-Identifier: MIT
//
// chart - updates a second, of the last minute. Seconds are told by the clock
// when an update comes, and not by a timer, which a browser holds back for
// minutes while nobody sees the page.

import { count } from './text.js';

const SECONDS = 60;
const SVG = 'http://www.w3.org/2000/svg';

export class Chart {
  constructor(svg, now, peak) {
    this.now = now; // what says the figures
    this.peak = peak;
    this.svg = svg;
    this.rates = new Array(SECONDS).fill(0); // of seconds that are over
    this.current = 0; // of this one
    this.second = 0;
    this.bars = this.rates.map((_, i) => {
      const bar = document.createElementNS(SVG, 'rect');
      bar.setAttribute('x', i * 4);
      bar.setAttribute('width', 3);
      svg.append(bar);
      return bar;
    });
    this.tick();
  }

  add(ms = performance.now()) {
    this.goOn(ms);
    this.current++;
  }

  goOn(ms) {
    const second = Math.floor(ms / 1000);
    if (second > this.second + SECONDS)
      this.current = 0; // too long ago
    for (let n = Math.min(SECONDS, second - this.second); n > 0; n--) {
      this.rates.shift();
      this.rates.push(this.current);
      this.current = 0;
    }
    this.second = second;
  }

  // To be called about once a second, for who looks.
  tick(ms = performance.now()) {
    this.goOn(ms);
    const max = Math.max(...this.rates);
    this.rates.forEach((rate, i) => {
      const height = rate ? Math.max(1.5, 48 * rate / max) : 0.5;
      this.bars[i].setAttribute('height', height);
      this.bars[i].setAttribute('y', 48 - height);
    });
    this.now.textContent = `${count(this.rates.at(-1))}/s`;
    this.peak.textContent = `peak ${count(max)}/s in the last minute`;
  }
}

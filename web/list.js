// SPDX-License-Identifier: MIT
//
// list - the entries of a Store, newest first, of which only those are in the
// document that are seen.
//
// A row is ROW high, and as much higher as it has been opened. What comes is
// put on top; who has scrolled down, or is busy with a row, keeps what he sees,
// as the list is moved by as much. One is busy with a row while the keyboard is
// on it (until one scrolls to the top, or goes there), while text is selected,
// and while a button of the mouse is down, so that a click hits what it was
// aimed at.
//
// Where it is scrolled to (`top`) and how much is seen (`seenHeight`) are asked
// for once a frame, before anything is changed: later that would have the
// browser lay out everything at once.

const ROW = 30;
const MARGIN = 6; // rows beyond each edge
const SLICE_MS = 8; // for looking what is to be shown, in each frame
const PACE_MS = 40; // between two frames that show what has come

export class List {
  // `ops`: row() makes an empty row, fill(row, entry) what is in it, and
  // body(entry) what it has when it is open; changed() comes behind a frame.
  constructor(scroller, store, ops) {
    this.scroller = scroller;
    this.space = scroller.firstElementChild;
    this.store = store;
    this.ops = ops;
    this.rows = new Map(); // serial: element
    this.spare = [];
    this.opened = new Map(); // serial: { body, extra }
    this.cursor = null; // the serial of the row that the keyboard is on
    this.end = null; // nothing from this serial on is shown
    this.stays = false; // at that row
    this.isPressed = false; // a button of the mouse is down here
    this.sizes = new ResizeObserver((all) => this.measure(all));
    this.top = this.seenHeight = this.updatedAt = 0;
    this.watch(scroller);
    this.test = null; // of the text of an update: whether it is shown
    this.restart();
  }

  watch(scroller) {
    scroller.addEventListener('scroll', () => {
      if (scroller.scrollTop < 1 && this.top >= 1)
        this.stays = false;
      this.schedule(true);
    }, { passive: true });
    new ResizeObserver(() => this.schedule(true)).observe(scroller);
    this.space.addEventListener('pointerdown', ({ button }) =>
      (this.isPressed = button === 0));
    for (const type of ['pointerup', 'pointercancel'])
      window.addEventListener(type, () => (this.isPressed = false));
  }

  filter(test) {
    this.test = test;
    this.restart();
    this.scroller.scrollTop = 0;
    this.update();
  }

  restart() {
    this.view = []; // serials of what is shown, oldest first
    this.head = 0; // in view; those before are gone
    this.events = new Set(); // what in view is no update
    this.seen = this.store.first; // up to here it has been looked at
    this.schedule();
  }

  clear() {
    for (const serial of [...this.opened.keys()])
      this.close(serial);
    this.cursor = null;
    this.restart();
  }

  schedule(isUrgent = false) {
    this.isUrgent ||= isUrgent;
    this.frame ??= requestAnimationFrame((now) => {
      this.frame = null;
      if (this.isUrgent || now - this.updatedAt >= PACE_MS)
        this.update();
      else
        this.schedule();
    });
  }

  // --- What is shown ---

  get length() {
    return this.view.length - this.head;
  }

  // Of the updates that it has looked at how many are shown.
  get counts() {
    const events = this.events.size;
    return { shown: this.length - events,
      of: this.seen - this.store.first - events };
  }

  get limit() {
    return this.end ?? this.store.next;
  }

  look() {
    const until = performance.now() + SLICE_MS;
    const { store, view } = this;
    const before = view.length;
    this.seen = Math.max(this.seen, store.first);
    while (this.seen < this.limit && performance.now() < until) {
      const entry = store.get(this.seen++);
      const isEvent = entry.kind !== 'update';
      if (isEvent)
        this.events.add(entry.serial);
      if (isEvent || !this.test || this.test(entry.text))
        view.push(entry.serial);
    }
    return view.length - before;
  }

  forget() {
    const { store, view } = this;
    while (this.head < view.length && view[this.head] < store.first) {
      this.events.delete(view[this.head]);
      this.close(view[this.head++]);
    }
    if (this.cursor !== null && this.cursor < store.first)
      this.cursor = view[this.head] ?? null; // the next that is still there
    if (this.head > 20000) {
      this.view = view.slice(this.head);
      this.head = 0;
    }
  }

  // The place in view of the first that is not below a serial.
  lowerBound(serial) {
    let low = this.head;
    let high = this.view.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.view[middle] < serial)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }

  // --- Where it is ---

  // [place in view, extra height] of those that are open, oldest first.
  extras() {
    const all = [];
    for (const [serial, { extra }] of this.opened) {
      const at = this.lowerBound(serial);
      if (this.view[at] === serial)
        all.push([at, extra]);
    }
    return all.sort(([a], [b]) => a - b);
  }

  // Pixels from the bottom of the list to the bottom of a row.
  below(at, extras) {
    let pixels = (at - this.head) * ROW;
    for (const [place, extra] of extras) {
      if (place >= at)
        break;
      pixels += extra;
    }
    return pixels;
  }

  // The row that has the pixel so far above the bottom.
  rowAt(pixels, extras) {
    let low = this.head;
    let high = this.view.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.below(middle, extras) <= pixels)
        low = middle;
      else
        high = middle - 1;
    }
    return low;
  }

  // --- Drawing ---

  get follows() {
    return this.top < 1 && !this.isPressed && !this.hasSelection &&
      !(this.stays && this.hasFocus && this.cursor !== this.view.at(-1));
  }

  get hasSelection() {
    const selection = document.getSelection();
    return !selection.isCollapsed && this.space.contains(selection.anchorNode);
  }

  get hasFocus() {
    return this.space.contains(document.activeElement);
  }

  scrollTo(top) {
    this.scroller.scrollTop = top;
    this.top = Math.max(0, top);
  }

  update() {
    this.isUrgent = false;
    this.updatedAt = performance.now();
    this.top = this.scroller.scrollTop;
    this.seenHeight = this.scroller.clientHeight;
    const { follows, cursor, hasFocus } = this;
    const added = this.look();
    this.forget();
    const extras = this.extras();
    this.height = this.below(this.view.length, extras);
    this.space.style.height = `${this.height}px`;
    if (added && !follows)
      this.scrollTo(this.top + added * ROW);
    this.top = Math.max(0, Math.min(this.top, this.height - this.seenHeight));
    this.draw(extras);
    if (hasFocus && this.cursor !== cursor) // that one is gone
      this.rows.get(this.cursor)?.firstElementChild
        .focus({ preventScroll: true });
    if (this.seen < this.limit)
      this.schedule();
    this.ops.changed();
  }

  draw(extras) {
    const { top, seenHeight } = this;
    const wanted = new Set();
    if (this.length) {
      const first = Math.max(this.head, -MARGIN +
        this.rowAt(this.height - top - seenHeight, extras));
      const last = Math.min(this.view.length - 1, MARGIN +
        this.rowAt(this.height - top, extras));
      for (let at = first; at <= last; at++)
        wanted.add(at);
      const at = this.cursor === null ? -1 : this.lowerBound(this.cursor);
      if (this.view[at] === this.cursor)
        wanted.add(at);
    }
    this.recycle(new Set([...wanted].map((at) => this.view[at])));
    for (const at of wanted)
      this.place(at, extras);
    for (const row of this.spare)
      row.remove();
    this.tabStop();
  }

  // They stay in the document until it is known that they are not needed.
  recycle(serials) {
    for (const [serial, row] of this.rows) {
      if (serials.has(serial))
        continue;
      this.rows.delete(serial);
      this.sizes.unobserve(row);
      row.querySelector('.body')?.remove();
      this.spare.push(row);
    }
  }

  place(at, extras) {
    const serial = this.view[at];
    let row = this.rows.get(serial);
    if (!row) {
      row = this.spare.pop() ?? this.ops.row();
      this.rows.set(serial, row);
      row.serial = serial;
      this.ops.fill(row, this.store.get(serial), this.opened.has(serial));
      if (!row.isConnected)
        this.space.append(row);
      this.show(row);
    }
    const extra = this.opened.get(serial)?.extra ?? 0;
    const top = this.height - this.below(at, extras) - ROW - extra;
    row.style.transform = `translateY(${top}px)`;
    row.setAttribute('aria-posinset', this.view.length - at);
    row.setAttribute('aria-setsize', this.length);
  }

  // One of the rows is where the Tab key gets to.
  tabStop() {
    const stop = this.rows.get(this.cursor) ?? this.rows.get(this.view.at(-1));
    for (const row of this.rows.values())
      row.firstElementChild.tabIndex = row === stop ? 0 : -1;
  }

  // --- Open and closed ---

  show(row) {
    const open = this.opened.get(row.serial);
    row.querySelector('.body')?.remove();
    row.classList.toggle('open', Boolean(open));
    if (row.firstElementChild.tagName === 'BUTTON')
      row.firstElementChild.setAttribute('aria-expanded', Boolean(open));
    this.sizes.unobserve(row);
    if (!open)
      return;
    row.append(open.body);
    this.sizes.observe(row);
  }

  close(serial) {
    if (!this.opened.delete(serial))
      return;
    const row = this.rows.get(serial);
    if (row)
      this.show(row);
    this.schedule();
  }

  toggle(serial, wanted = !this.opened.has(serial)) {
    if (!wanted) {
      this.close(serial);
      return;
    }
    const entry = this.store.get(serial);
    if (this.opened.has(serial) || entry?.kind !== 'update')
      return;
    this.opened.set(serial, { body: this.ops.body(entry), extra: 0 });
    const row = this.rows.get(serial);
    if (row) {
      this.show(row);
      this.grow(row, row.offsetHeight);
    }
    this.update();
  }

  grow(row, height) {
    const open = this.opened.get(row.serial);
    const change = height - ROW - (open?.extra ?? 0);
    if (!open || Math.abs(change) < 1)
      return false;
    open.extra += change;
    const bounds = this.scroller.getBoundingClientRect();
    if (row.getBoundingClientRect().bottom < bounds.top)
      this.scrollTo(this.scroller.scrollTop + change);
    return true;
  }

  measure(all) {
    const grown = all.filter(({ target, borderBoxSize }) =>
      target.isConnected && this.grow(target, borderBoxSize[0].blockSize));
    if (grown.length)
      this.update();
  }

  // --- The keyboard ---

  // One is on this row now.
  enter(serial) {
    this.cursor = serial;
    this.stays = true;
  }

  // To the newest ones, which are followed from here on.
  follow() {
    this.cursor = null;
    this.stays = false;
    this.scrollTo(0);
    this.update();
    this.scroller.focus({ preventScroll: true });
  }

  // To the newest (or, from a row, so many rows further down).
  move(step) {
    const from = this.cursor === null ? this.view.length
      : this.lowerBound(this.cursor);
    const to = Math.min(this.view.length - 1, Math.max(this.head, from - step));
    if (this.length)
      this.focus(this.view[to]);
  }

  focus(serial) {
    this.enter(serial);
    this.update();
    const row = this.rows.get(serial);
    if (!row)
      return;
    this.reveal(serial);
    this.rows.get(serial)?.firstElementChild.focus({ preventScroll: true });
  }

  reveal(serial) {
    const extras = this.extras();
    const at = this.lowerBound(serial);
    const extra = this.opened.get(serial)?.extra ?? 0;
    const top = this.height - this.below(at, extras) - ROW - extra;
    if (top < this.top)
      this.scrollTo(top);
    else if (top + ROW > this.top + this.seenHeight)
      this.scrollTo(top + ROW - this.seenHeight);
    this.draw(extras);
  }
}

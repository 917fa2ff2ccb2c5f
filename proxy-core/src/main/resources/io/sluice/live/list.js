// A list of any length of which only what can be seen is in the document.

const AROUND = 6;

/**
 * Shows items of one height each.
 *   holder  the element of the whole height
 *   scroller what scrolls: an element, or the window
 *   make()  an element for an item; fill(element, item, index) shows an item in it
 */
export class VirtualList {
  constructor(holder, scroller, rowHeight, make, fill) {
    Object.assign(this, {holder, scroller, rowHeight, make, fill});
    this.items = [];
    this.shown = new Map();
    const later = () => this.later();
    scroller.addEventListener('scroll', later, {passive: true});
    window.addEventListener('resize', later, {passive: true});
  }

  later() {
    if (!this.waiting) {
      this.waiting = true;
      requestAnimationFrame(() => {
        this.waiting = false;
        this.draw();
      });
    }
  }

  /** Shows these from now on; each has a key. */
  show(items) {
    this.items = items;
    this.draw();
  }

  range() {
    const height = this.rowHeight();
    const [top, view] = this.scroller === window
      ? [-this.holder.getBoundingClientRect().top, window.innerHeight]
      : [this.scroller.scrollTop, this.scroller.clientHeight];
    return [Math.max(0, Math.floor(top / height) - AROUND), Math.ceil((top + view) / height) + AROUND];
  }

  draw() {
    const height = this.rowHeight();
    this.holder.style.height = `${this.items.length * height}px`;
    const [from, to] = this.range();
    const wanted = new Map();
    for (let i = from; i < Math.min(to, this.items.length); i++) {
      wanted.set(this.items[i].key, i);
    }
    for (const [key, element] of this.shown) {
      if (!wanted.has(key)) {
        const index = element.contains(document.activeElement) ? this.items.findIndex(item => item.key === key) : -1;
        if (index >= 0) {
          wanted.set(key, index);
        } else {
          element.remove();
          this.shown.delete(key);
        }
      }
    }
    let before = null;
    for (const [key, index] of [...wanted].sort((a, b) => a[1] - b[1])) {
      let element = this.shown.get(key);
      if (!element) {
        element = this.make();
        this.shown.set(key, element);
      }
      const place = before ? before.nextSibling : this.holder.firstChild;
      if (element !== place && !element.contains(document.activeElement)) {
        this.holder.insertBefore(element, place);
      }
      before = element;
      element.style.transform = `translateY(${index * height}px)`;
      this.fill(element, this.items[index], index);
    }
  }

  /** Scrolls so that an item can be seen, and returns its element. */
  reveal(index) {
    const height = this.rowHeight();
    if (this.scroller === window) {
      const top = this.holder.getBoundingClientRect().top + index * height;
      if (top < 2 * height || top > window.innerHeight - 2 * height) {
        window.scrollBy(0, top - window.innerHeight / 2);
      }
    } else {
      this.scroller.scrollTop = index * height - this.scroller.clientHeight / 2;
    }
    this.draw();
    return this.shown.get(this.items[index].key);
  }
}

// What the page says: a notice in place (it stays), a toast in passing, and the live region for those who listen.

const byId = id => document.getElementById(id);
let passing = 0;

export function notice(code, message = '') {
  const template = byId(`n-${code}`) ?? byId('n-refused');
  const shown = template.content.cloneNode(true).firstElementChild;
  if (message) shown.querySelector('div').textContent = message;
  const place = byId('notices');
  if (!place) return shown;  // between two items: there is nothing to say it about
  place.replaceChildren(shown);
  place.scrollIntoView({ block: 'nearest' });
  return shown;
}

export function clear(code) {
  byId('notices')?.querySelectorAll(code ? `[data-code="${code}"]` : '[data-code]').forEach(shown => shown.remove());
}

export const words = (name, values = {}) => Object.entries(values).reduce(
  (text, [key, value]) => text.replace(`[${key}]`, () => value), byId(`w-${name}`).content.textContent);

export function say(text) {
  byId('say').textContent = text;
}

// A toast stays for 8 seconds, and longer while the pointer or the focus is on it. It never has the only copy of an error.
export function toast(content) {
  const place = byId('toasts');
  place.replaceChildren(content);
  clearTimeout(passing);
  const leave = () => {
    if (place.matches(':hover, :focus-within')) passing = setTimeout(leave, 2_000);
    else place.replaceChildren();
  };
  passing = setTimeout(leave, 8_000);
}

export function quick(text) {
  const shown = document.createElement('span');
  shown.className = 'toast plain';
  shown.textContent = text;
  toast(shown);
  say(text);
}

// What this device keeps for the person who is signed in: decisions not sent yet, and texts not sent yet. Signing out empties it
// (shell.js), and so does somebody else's signing in here.

const PREFIX = 'zhumo:';
const WEEK = 7 * 24 * 3600 * 1000;
const mine = `${PREFIX}${document.getElementById('main').dataset.user}:`;

function keys() {
  return Array.from({ length: localStorage.length }, (_, at) => localStorage.key(at)).filter(key => key?.startsWith(PREFIX));
}

// A full or forbidden storage loses the copy on the device, not the work: the server has the other one.
export function put(name, value) {
  try { localStorage.setItem(mine + name, JSON.stringify(value)); return true; } catch { return false; }
}

export function get(name) {
  try { return JSON.parse(localStorage.getItem(mine + name)); } catch { return null; }
}

export function drop(name) {
  try { localStorage.removeItem(mine + name); } catch { /* it was not there either */ }
}

export function tidy() {
  try {
    for (const key of keys()) {
      if (!key.startsWith(mine)) localStorage.removeItem(key);
      else if (key.startsWith(`${mine}text:`) && !(Date.now() - JSON.parse(localStorage.getItem(key)).at < WEEK)) localStorage.removeItem(key);
    }
  } catch { /* a private window: nothing is kept, so there is nothing to tidy */ }
}

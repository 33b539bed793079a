// Show in the text what a check has found: marked where it is read, selected where it is edited.

const found = () => [...document.querySelectorAll('#checks [data-excerpt]')];

export function highlight() {
  const prose = document.querySelector('#reply .prose');
  if (prose) found().forEach(button => mark(prose, button.dataset.excerpt));
}

function mark(root, excerpt) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const at = walker.currentNode.data.indexOf(excerpt);
    if (at < 0) continue;
    const range = document.createRange();
    range.setStart(walker.currentNode, at);
    range.setEnd(walker.currentNode, at + excerpt.length);
    return range.surroundContents(document.createElement('mark'));
  }
}

export function locate(button, editing) {
  const excerpt = button.dataset.excerpt;
  if (!editing) {
    const marks = [...document.querySelectorAll('#reply mark')];
    const shown = marks.find(one => one.textContent === excerpt);
    shown?.scrollIntoView({ block: 'center' });
    return Boolean(shown);
  }
  const field = [...document.querySelectorAll('textarea[form="decision"]')].find(one => one.value.includes(excerpt));
  if (!field) return false;
  const at = field.value.indexOf(excerpt);
  field.focus();
  field.setSelectionRange(at, at + excerpt.length);
  return true;
}

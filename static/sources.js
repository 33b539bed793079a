// A file dropped on the form lands in its field. Without this script the field is there all the same.
document.addEventListener('DOMContentLoaded', () => {
  const zone = document.querySelector('.drop'), field = zone && zone.querySelector('input[type=file]');
  if (!field) return;
  const over = is => event => { event.preventDefault(); zone.classList.toggle('is-over', is); };
  zone.addEventListener('dragover', over(true));
  zone.addEventListener('dragleave', over(false));
  zone.addEventListener('drop', event => { over(false)(event); if (event.dataTransfer.files.length) field.files = event.dataTransfer.files; });
});

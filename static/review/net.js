// One way to the server. It never throws: whatever happens comes back as a kind.
//   html: the next items · json: an answer or a refusal · signin: signed out · role: not for this role (any more) · offline: no answer · broken: an error page

const PATIENCE = 20_000;

export async function post(url, body, { signal = null, keepalive = false } = {}) {
  body.delete('csrfmiddlewaretoken');  // signing in again in another tab changes it; the cookie has the one that counts
  let response;
  try {
    response = await fetch(url, {
      method: 'POST', body, redirect: 'manual', credentials: 'same-origin', keepalive,
      signal: signal ? AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]) : AbortSignal.timeout(PATIENCE),
      headers: { 'X-Requested-With': 'fetch', 'X-CSRFToken': cookie('csrftoken') },
    });
    return await read(response);
  } catch {
    return { kind: signal?.aborted ? 'aborted' : 'offline' };
  }
}

async function read(response) {
  if (response.status === 403 && response.headers.get('X-Refused') === 'role') return { kind: 'role' };
  if (response.type === 'opaqueredirect' || response.status === 401 || response.status === 403) return { kind: 'signin' };
  if (response.status === 204) return { kind: 'json', ok: true, data: {} };
  if (response.headers.get('Content-Type')?.startsWith('application/json')) return { kind: 'json', ok: response.ok, data: await response.json() };
  if (response.status === 502 || response.status === 503 || response.status === 504) return { kind: 'offline' };
  return response.ok ? { kind: 'html', html: await response.text() } : { kind: 'broken' };
}

const cookie = name => document.cookie.split('; ').find(part => part.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';

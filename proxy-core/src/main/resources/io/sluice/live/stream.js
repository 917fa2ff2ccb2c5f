// Server-sent events (WHATWG HTML, 9.2) over fetch, which, unlike EventSource, says why a server refuses.

/** An answer other than 200; the message is the server's. */
export class Refused extends Error {}

/** Yields {type, data} until the server or the signal ends it. */
export async function* events(url, signal) {
  const answer = await fetch(url, {signal, cache: 'no-store'});
  if (!answer.ok) {
    throw new Refused(await reason(answer));
  }
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const {done, value} = await reader.read();
    if (done) {
      return;
    }
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      let type = 'message';
      const data = [];
      for (const line of block.split('\n')) {
        if (line.startsWith('event: ')) {
          type = line.slice(7);
        } else if (line.startsWith('data: ')) {
          data.push(line.slice(6));
        }
      }
      if (data.length > 0) {
        yield {type, data: JSON.parse(data.join('\n'))};
      }
    }
  }
}

/** What the server says of its refusal. */
export async function reason(answer) {
  try {
    return (await answer.json()).error || `HTTP ${answer.status}`;
  } catch {
    return `HTTP ${answer.status}`;
  }
}

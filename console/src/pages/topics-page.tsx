import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { RetainedMessage } from '../../../src/client/index.ts';
import { sayBytes } from '../byte-words.ts';
import { sayFailure } from '../failure.ts';
import { Empty, Notice } from '../parts/notice.tsx';
import { PublishForm } from '../parts/publish-form.tsx';
import { Said } from '../parts/said.tsx';
import { TopicView } from '../parts/topic-view.tsx';
import { useAsked } from '../parts/use-asked.ts';
import { linkTo, query, setQuery } from '../router.ts';
import { hub, may } from '../session.ts';
import { say } from '../words.ts';

const PAGE_TOPICS = 100;
const MAX_PAGE_TOPICS = 1000;
/** Of what is retained the hub tells no events. */
const ASK_MS = 5000;

type Found = { readonly topics: readonly RetainedMessage[]; readonly hasMore: boolean };

async function findTopics(filter: string | undefined, wanted: number, signal: AbortSignal): Promise<Found> {
  const found: RetainedMessage[] = [];
  let cursor: string | undefined;
  do {
    const limit = Math.min(MAX_PAGE_TOPICS, wanted - found.length);
    const page = await hub().topics.list({ filter, limit, cursor, signal });
    found.push(...page.topics);
    cursor = page.nextCursor;
  } while (cursor !== undefined && found.length < wanted);
  return { topics: found, hasMore: cursor !== undefined };
}

/** What the MQTT broker of the hub retains, and messages to it. */
export function TopicsPage() {
  const filter = query.value.get('filter') || undefined;
  const opened = query.value.get('topic') ?? '';
  const wanted = useSignal(PAGE_TOPICS);
  const { value, fault, askAgain } = useAsked(
    (signal) => findTopics(filter, wanted.value, signal),
    [filter, wanted.value],
    ASK_MS,
  );
  useEffect(() => void (document.title = `${say('topics.title')} · Recado`));
  const found = value.value;
  const told = fault.value;
  return (
    <div class="page">
      <div class="tools">
        <h1>{say('topics.title')}</h1>
        <input
          type="search"
          aria-label={say('list.filter')}
          placeholder={say('topics.filter')}
          value={filter ?? ''}
          onChange={({ currentTarget }) => setQuery({ filter: currentTarget.value })}
        />
      </div>
      {opened !== '' && <TopicView key={opened} topic={opened} onChanged={askAgain} />}
      {told !== undefined && <Notice tone="bad">{sayFailure(told)}</Notice>}
      {found === undefined && told === undefined && <Empty text={say('console.loading')} />}
      {found?.topics.length === 0 && <p class="dim">{say('topics.none')}</p>}
      {found !== undefined && found.topics.length > 0 && <TopicTable topics={found.topics} />}
      {found?.hasMore === true && (
        <button onClick={() => (wanted.value += PAGE_TOPICS)}>{say('clients.more')}</button>
      )}
      {may('command') && <PublishForm topic={opened} onSent={askAgain} />}
    </div>
  );
}

/** What is looked for stays. */
function linkToTopic(topic: string): string {
  const url = new URL(linkTo('topics'));
  url.search = query.value.toString();
  url.searchParams.set('topic', topic);
  return url.href;
}

function TopicTable({ topics }: { topics: readonly RetainedMessage[] }) {
  return (
    <table class="grid broker">
      <thead>
        <tr>
          <th>{say('topics.topic')}</th>
          <th class="late">{say('topics.type')}</th>
          <th class="late number">QoS</th>
          <th class="number">{say('topics.size')}</th>
        </tr>
      </thead>
      <tbody>
        {topics.map(({ topic, contentType, qos, payloadBytes }) => (
          <tr key={topic}>
            <td>
              <a href={linkToTopic(topic)}>
                <Said text={topic} />
              </a>
            </td>
            <td class="late">{contentType !== null && <Said text={contentType} />}</td>
            <td class="late number">{qos}</td>
            <td class="number">{sayBytes(payloadBytes)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Whether a filter, without `$share`, matches a topic: MQTT 5.0 section 4.7, read level by level. */
export function naiveMatch(topicFilter: string, topicName: string): boolean {
  if (topicName.startsWith('$') && (topicFilter.startsWith('#') || topicFilter.startsWith('+'))) return false;
  return matchLevels(topicFilter.split('/'), topicName.split('/'));
}

function matchLevels(filter: readonly string[], name: readonly string[]): boolean {
  const [first, ...rest] = filter;
  if (first === undefined) return name.length === 0;
  if (first === '#') return true;
  const [level, ...below] = name;
  if (level === undefined) return false;
  return (first === '+' || first === level) && matchLevels(rest, below);
}

const remembered = new Map<string, boolean>();

/** The same, with a memory: the topics and filters of a simulation are few. */
export function matches(topicFilter: string, topicName: string): boolean {
  const key = `${topicFilter}\n${topicName}`;
  let answer = remembered.get(key);
  if (answer === undefined) remembered.set(key, (answer = naiveMatch(topicFilter, topicName)));
  return answer;
}

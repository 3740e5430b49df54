import { SharedGroup } from './shared-group.ts';

type NumberedGroup<S> = { readonly node: number; readonly group: SharedGroup<S> };

/** The Shared Subscriptions: by number (from 1), and by the node of their filter and share name. */
export class SharedGroups<S> {
  readonly #byNode = new Map<number, Map<string, number>>();
  readonly #groups: (NumberedGroup<S> | undefined)[] = [undefined];
  readonly #free: number[] = [];

  get isEmpty(): boolean {
    return this.#byNode.size === 0;
  }

  /** The number of a group; 0 when there is none. */
  find(node: number, shareName: string): number {
    return this.#byNode.get(node)?.get(shareName) ?? 0;
  }

  add(node: number, shareName: string, topicFilter: string): number {
    const number = this.#free.pop() ?? this.#groups.length;
    this.#groups[number] = { node, group: new SharedGroup({ shareName, topicFilter }) };
    const ofNode = this.#byNode.get(node);
    if (ofNode === undefined) this.#byNode.set(node, new Map([[shareName, number]]));
    else ofNode.set(shareName, number);
    return number;
  }

  delete(number: number): void {
    const { node, group } = this.#groups[number]!;
    const ofNode = this.#byNode.get(node)!;
    ofNode.delete(group.shareName);
    if (ofNode.size === 0) this.#byNode.delete(node);
    this.#groups[number] = undefined;
    this.#free.push(number);
  }

  group(number: number): SharedGroup<S> {
    return this.#groups[number]!.group;
  }

  node(number: number): number {
    return this.#groups[number]!.node;
  }

  /** Adds the groups of a node. */
  collect(node: number, into: SharedGroup<S>[]): void {
    const ofNode = this.#byNode.get(node);
    if (ofNode === undefined) return;
    for (const number of ofNode.values()) into.push(this.group(number));
  }
}

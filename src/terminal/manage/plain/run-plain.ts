import type { ManageOptions } from '../run-manage.ts';

export async function runPlain(options: ManageOptions): Promise<void> {
  void options;
}

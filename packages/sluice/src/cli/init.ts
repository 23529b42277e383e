// `sluice init`: makes the ledger, or prints the statements for somebody who may.
import { ensureLedger, GRANTS_HINT, LEDGER_DDL } from "../ledger/schema.ts";
import { expectWritable } from "../database/writable.ts";
import { connect, type TargetFlags } from "./common.ts";

export interface InitFlags extends TargetFlags {
  readonly printSql?: boolean;
}

export async function initCommand(flags: InitFlags): Promise<number> {
  if (flags.printSql) {
    console.log(`begin;\n${LEDGER_DDL}commit;\n${GRANTS_HINT}`);
    return 0;
  }
  await using target = await connect(flags);
  await target.start();
  await expectWritable(target);
  await ensureLedger(target);
  console.log(`The ledger is in ${target.name}, schema sluice.`);
  return 0;
}

"""What Skytools' table_dispatcher does with a queue of inserts, for the tests of the hand-over between the two programs.

A consumer of the distribution's python3-pgq, with table_dispatcher's keys in its ini file and its order of commits:
partitions first, in a transaction of their own; then the rows and the tick; then, in the source, the end of the batch.
It exits where nothing is left to do. Keys of the test's own:

    test_batches   how many batches to apply at most, 0 for all
    test_halt      where to stand still in the last of them, for somebody to kill it: rows (loaded, not committed) or
                   finish (committed, finish_batch not called)
"""

import sys
import time

import skytools
from pgq.remoteconsumer import SerialConsumer


class Dispatcher(SerialConsumer):

    def __init__(self, args):
        self.applied = 0
        super().__init__("table_dispatcher", "src_db", "dst_db", args)

    def reload(self):
        super().reload()
        self.dest_table = self.cf.get("dest_table")
        self.part_template = self.cf.get("part_template")
        self.part_field = self.cf.get("part_field")
        self.date_parts = {"daily": 3, "monthly": 2}[self.cf.get("part_method", "daily")]
        self.renames = None
        if self.cf.get("fields", "*") != "*":
            pairs = [field.split(":") for field in self.cf.getlist("fields")]
            self.renames = {pair[0].strip(): pair[-1].strip() for pair in pairs}
        self.batches = self.cf.getint("test_batches", 0)
        self.halt = self.cf.get("test_halt", "")

    def partition_of(self, event, row):
        day = str(event.ev_time) if self.part_field == "_EVTIME" else row[self.part_field]
        return "_".join([self.dest_table] + day[:10].split("-")[: self.date_parts])

    def process_remote_batch(self, src_db, batch_id, event_list, dst_db):
        partitions = {}
        for event in event_list:
            row = skytools.db_urldecode(event.ev_data)
            partitions.setdefault(self.partition_of(event, row), []).append(row)
        curs = dst_db.cursor()
        for table in partitions:
            if not skytools.exists_table(curs, table):
                sql = self.part_template.replace("_DEST_TABLE", skytools.quote_fqident(table))
                curs.execute(sql.replace("_SCHEMA_TABLE", table.replace(".", "__")))
        dst_db.commit()
        for table, rows in partitions.items():
            columns = list(self.renames or rows[0])
            names = [self.renames[column] if self.renames else column for column in columns]
            values = [[row[column] for column in columns] for row in rows]
            skytools.magic_insert(curs, table, values, names)
        self.applied += 1
        self.stand_still("rows")

    def _finish_batch(self, curs, batch_id, event_list):
        self.stand_still("finish")
        super()._finish_batch(curs, batch_id, event_list)
        if self.applied == self.batches > 0:
            self.stop()

    def stand_still(self, where):
        if self.halt == where and self.applied == self.batches:
            print("STANDS STILL", flush=True)
            time.sleep(3600)


if __name__ == "__main__":
    Dispatcher(sys.argv[1:]).start()

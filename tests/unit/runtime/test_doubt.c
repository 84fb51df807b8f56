/* SPDX-License-Identifier: Apache-2.0 */
/* An EXEC may have run in part, and who reads Redis now did not read its answer (decision 0017). */
#include "runtime/pipeline_text.h"
#include "runtime/worker_double.h"

static struct task *task;

static void set_up(void)
{
    double_open(64, 3);
    double_become_live(10);
    task = &doubled.worker->tasks[0];
    doubled.connected = true;
}

static struct store_reply reply_head(const struct head *head)
{
    static uint8_t bytes[HEAD_SIZE_MAX];
    return (struct store_reply){.kind = STORE_BULK,
                                .text = slice_of(bytes, head_write(head, bytes))};
}

/* The one that named the owner and the one of the cut that was written again say the same cut. */
START_TEST(a_read_at_the_confirmed_cut_is_believed_at_its_very_head_only)
{
    const struct head before = {.state = HEAD_READY, .owner = 1, .seq = DOUBLE_CUT};
    task->head = task->acked_head = head_of_same_cut(&before, &before);
    task->read_acked = DOUBLE_CUT;
    struct store_reply reply = reply_head(&task->head);
    ck_assert_int_eq(read_judge(doubled.worker, task, &reply), READ_TRUST);
    ck_assert_int_eq(task->state, TASK_LIVE);
    reply = reply_head(&before);
    ck_assert_int_eq(read_judge(doubled.worker, task, &reply), READ_LOST);
    ck_assert_int_eq(task->state, TASK_CLAIMING);
}
END_TEST

/* The next cut is there, and nobody has the answer; then Redis falls back to the first try of this one. */
START_TEST(a_read_at_the_confirmed_cut_is_so_judged_while_the_next_one_is_in_doubt)
{
    const struct head before = {.state = HEAD_READY, .owner = 1, .seq = DOUBLE_CUT};
    task->acked_head = head_of_same_cut(&before, &before);
    task->head = task->acked_head;
    task->head.seq = task->sent_seq = DOUBLE_CUT + 1;
    task->read_acked = DOUBLE_CUT;
    struct store_reply reply = reply_head(&task->head);
    ck_assert_int_eq(read_judge(doubled.worker, task, &reply), READ_TRUST);
    reply = reply_head(&task->acked_head);
    ck_assert_int_eq(read_judge(doubled.worker, task, &reply), READ_TRUST);
    reply = reply_head(&before);
    ck_assert_int_eq(read_judge(doubled.worker, task, &reply), READ_LOST);
}
END_TEST

static void claim_to_the_head(void)
{
    task_reclaim(doubled.worker, task, "a test");
    task->step = CLAIM_LOOK;
    task->retry_us = 0;
    task->watch_epoch = 1;
}

static struct head head_here(enum head_state state, uint64_t owner)
{
    return (struct head){.state = (uint8_t)state,
                         .owner = owner,
                         .seq = state == HEAD_READY ? DOUBLE_CUT : 0,
                         .task_count = DOUBLE_TASKS,
                         .journal_partitions = 1,
                         .cluster_hash = doubled.worker->cluster_hash};
}

static void expect_after_look(const struct head *head, enum claim_step step)
{
    struct store_reply reply = reply_head(head);
    task->step = CLAIM_LOOK;
    claim_looked(doubled.worker, task, &reply);
    ck_assert_int_eq(task->step, step);
}

/* Else it could end at a cut before the one that left something. */
START_TEST(a_rebuild_goes_to_a_cut_that_was_asked_for_after_its_head_was_seen)
{
    claim_to_the_head();
    struct head head = head_here(HEAD_REBUILDING, 7);
    expect_after_look(&head, CLAIM_ASKED);
    head.owner = 8; /* somebody was there meanwhile */
    expect_after_look(&head, CLAIM_ASKED);
    expect_after_look(&head, CLAIM_OWN);
}
END_TEST

START_TEST(a_claim_of_a_whole_redis_asks_once)
{
    claim_to_the_head();
    struct head head = head_here(HEAD_READY, 7);
    expect_after_look(&head, CLAIM_OWN);
}
END_TEST

/* The commands of a cut in which "new" comes and "old" moves. */
static const char *cut_text(enum head_state state, uint64_t seq)
{
    static uint8_t payload[1024];
    static uint8_t commands[4096];
    struct bytes_writer writer = bytes_writer(payload, sizeof(payload));
    struct store_pipeline pipeline = {.data = commands, .limit = sizeof(commands)};
    const struct cut_entry entries[] = {{.id = slice_text("new"),
                                         .flags = CUT_RECORD_SET | CUT_BUCKET_NEW,
                                         .bucket_new = 7,
                                         .record = slice_text("N")},
                                        {.id = slice_text("old"),
                                         .flags = CUT_RECORD_SET | CUT_BUCKET_OLD | CUT_BUCKET_NEW,
                                         .bucket_old = 6,
                                         .bucket_new = 8,
                                         .record = slice_text("O")}};
    cut_put_header(&writer, &(struct cut_header){.application = slice_text("app"),
                                                 .cluster_id = slice_text("cluster"),
                                                 .entry_count = 2});
    for (uint32_t i = 0; i < 2; i++) {
        cut_put_entry(&writer, &entries[i]);
    }
    task->head = head_here(state, 1);
    struct head next = task->head;
    next.seq = seq;
    apply_entries(&pipeline, task, &next, slice_of(payload, writer.size));
    return pipeline_text(&pipeline);
}

/* In a rebuild, and where the last cut is written again: nobody knows what of it is there. */
START_TEST(the_view_of_somebody_new_goes_first_where_keys_may_be_left)
{
    static const char gone[] = "\nSADD {app.3}due:7 new\nDEL {app.3}v:new\nSREM {app.3}due:6 old\n";
    ck_assert_ptr_nonnull(strstr(cut_text(HEAD_REBUILDING, 1), gone));
    ck_assert_ptr_nonnull(strstr(cut_text(HEAD_READY, DOUBLE_CUT), gone));
    ck_assert_ptr_null(strstr(cut_text(HEAD_READY, DOUBLE_CUT + 1), "DEL"));
}
END_TEST

/* The head of the cut that was written twice since the question; what Redis answered was right when it did. */
START_TEST(a_question_from_before_the_cut_was_written_twice_is_asked_again)
{
    const struct head before = {.state = HEAD_READY, .owner = 1, .seq = DOUBLE_CUT};
    task->head = task->acked_head = head_of_same_cut(&before, &before);
    task->read_acked = DOUBLE_CUT - 1;
    struct store_reply reply = reply_head(&before);
    ck_assert_int_eq(read_judge(doubled.worker, task, &reply), READ_AGAIN);
    ck_assert_int_eq(task->state, TASK_LIVE);
}
END_TEST

/* The journal is searched anew; how long the claim has waited for Redis is no sign of a torn transaction. */
START_TEST(a_rebuild_after_a_long_outage_reads_the_journal)
{
    claim_to_the_head();
    task->named_any = true;
    task->named = (struct cut_metadata){.seq = DOUBLE_CUT, .low_offset = -1, .previous_offset = -1};
    task->claim_since_us = doubled.worker->now_us - INT64_C(121000000);
    struct head head = head_here(HEAD_REBUILDING, 7);
    struct store_reply reply = reply_head(&head);
    claim_looked(doubled.worker, task, &reply);
    task->step = CLAIM_READER; /* C was heard again */
    double_turn_quietly();
    double_turn_quietly();
    ck_assert_int_eq(task->step, CLAIM_FIND);
    ck_assert_int_eq(task->state, TASK_CLAIMING);
}
END_TEST

START_TEST(a_rebuild_of_a_task_without_cuts_ends)
{
    task_forget(doubled.worker, task);
    task_set_state(doubled.worker, task, TASK_REBUILDING);
    task->head = (struct head){.state = HEAD_REBUILDING, .owner = 1};
    task->committed_seq = 0;
    task->acked_seq = 0;
    task->watch_epoch = 1;
    task->step = CLAIM_CATCH_UP;
    claim_step(doubled.worker, task);
    ck_assert_int_eq(task->step, CLAIM_OWN);
    ck_assert_int_eq(task->writing, WRITE_OWN);
    ck_assert_int_eq(task->next_head.state, HEAD_READY);
}
END_TEST

/* ---- keys that somebody else wrote ---- */

static const struct store_reply foreign = {.kind = STORE_ERROR,
                                           .text = {(const uint8_t *)"WRONGTYPE ..", 12}};

START_TEST(a_due_set_of_another_type_has_the_task_written_anew)
{
    const struct store_reply sets[] = {double_head(HEAD_READY, 1), foreign};
    const struct store_reply exec = {.kind = STORE_ARRAY, .children = sets, .count = 2};
    task->read_count = 1;
    ck_assert(!due_answered(doubled.worker, task, &exec));
    ck_assert_int_eq(task->state, TASK_CLAIMING);
    ck_assert(task->want_rebuild);
}
END_TEST

/* Whoever is no owner any more wishes nothing. */
START_TEST(a_due_set_of_another_type_beside_the_head_of_another_owner_says_nothing)
{
    const struct store_reply sets[] = {double_head(HEAD_READY, 2), foreign};
    const struct store_reply exec = {.kind = STORE_ARRAY, .children = sets, .count = 2};
    task->read_count = 1;
    ck_assert(!due_answered(doubled.worker, task, &exec));
    ck_assert_int_eq(task->state, TASK_CLAIMING);
    ck_assert(task->prove);
    ck_assert(!task->want_rebuild);
}
END_TEST

/* Else it is asked for again and again, and no task of the worker gets any further with its checkpoints. */
START_TEST(a_view_of_another_type_has_the_task_written_anew)
{
    const struct store_reply records[] = {double_head(HEAD_READY, 1),
                                          {.kind = STORE_BULK, .text = slice_text("R")}};
    const struct store_reply parts[] = {{.kind = STORE_ARRAY, .children = records, .count = 2},
                                        foreign};
    const struct store_reply exec = {.kind = STORE_ARRAY, .children = parts, .count = 2};
    task->read_count = 1;
    task->follow.state = FOLLOW_CUT;
    doubled.worker->following = task->slot;
    doubled.worker->building = NO_INDEX; /* whether there is room for a checkpoint is no matter */
    follow_loaded(doubled.worker, task, &(struct store_answer){.replies = &exec, .reply_count = 1});
    ck_assert_int_eq(task->state, TASK_CLAIMING);
    ck_assert(task->want_rebuild);
    ck_assert_uint_eq(doubled.worker->following, NO_INDEX);
}
END_TEST

START_TEST(a_rebuild_deletes_a_due_set_of_another_type)
{
    task_forget(doubled.worker, task);
    task_set_state(doubled.worker, task, TASK_REBUILDING);
    task->step = CLAIM_REBUILD_DELETE;
    task->head = (struct head){.state = HEAD_REBUILDING, .owner = 1, .due_first = 7, .due_last = 7};
    task->watch_epoch = 1;
    task->rebuild_bucket = 7;
    rebuild_step(doubled.worker, task);
    ck_assert_uint_eq(task->read_count, 1);
    read_answer(doubled.worker, task,
                &(struct store_answer){.replies = &foreign, .reply_count = 1});
    ck_assert_int_eq(task->writing, WRITE_DELETE);
    ck_assert_ptr_nonnull(strstr(pipeline_text(&doubled.pipeline), "\nDEL {app.3}due:7\n"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("doubt");
    TCase *tests = tcase_create("doubt");
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, a_read_at_the_confirmed_cut_is_believed_at_its_very_head_only);
    tcase_add_test(tests, a_read_at_the_confirmed_cut_is_so_judged_while_the_next_one_is_in_doubt);
    tcase_add_test(tests, a_rebuild_goes_to_a_cut_that_was_asked_for_after_its_head_was_seen);
    tcase_add_test(tests, a_claim_of_a_whole_redis_asks_once);
    tcase_add_test(tests, the_view_of_somebody_new_goes_first_where_keys_may_be_left);
    tcase_add_test(tests, a_question_from_before_the_cut_was_written_twice_is_asked_again);
    tcase_add_test(tests, a_rebuild_after_a_long_outage_reads_the_journal);
    tcase_add_test(tests, a_rebuild_of_a_task_without_cuts_ends);
    tcase_add_test(tests, a_due_set_of_another_type_has_the_task_written_anew);
    tcase_add_test(tests, a_due_set_of_another_type_beside_the_head_of_another_owner_says_nothing);
    tcase_add_test(tests, a_view_of_another_type_has_the_task_written_anew);
    tcase_add_test(tests, a_rebuild_deletes_a_due_set_of_another_type);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}

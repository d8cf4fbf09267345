/* Xid events: what a GPU reports is told once, to a set it was registered with before; part of fake_nvml.c. */
typedef struct { handle *device; u64 type, data; unsigned gi, ci; } event;
static int registered[GPUS], event_set;
static long told;

int nvmlEventSetCreate(int **out) {
    ENTER(0, 1);
    memset(registered, 0, sizeof registered);
    told = 0; /* what happened before is not told */
    for (int i = 0; i < node.xids; i++) if (node.xid[i].serial > told) told = node.xid[i].serial;
    *out = &event_set;
    LEAVE(OK);
}
int nvmlEventSetFree(int *set) { (void)set; ENTER(0, 1); memset(registered, 0, sizeof registered); LEAVE(OK); }
int nvmlDeviceRegisterEvents(handle *h, u64 types, int *set) {
    ENTER(h, 1);
    if (set != &event_set || types != 8) LEAVE(INVALID);
    registered[h->gpu] = 1;
    LEAVE(OK);
}
int nvmlEventSetWait_v2(int *set, event *out, unsigned milliseconds) {
    (void)set;
    ENTER(0, 1);
    for (int i = 0; i < node.xids; i++) {
        const xid *x = &node.xid[i];
        if (x->serial <= told || x->gpu < 0 || x->gpu >= GPUS || !registered[x->gpu]) continue;
        told = x->serial;
        *out = (event){&handles[x->gpu][SLOTS], 8, x->code, ~0u, ~0u};
        LEAVE(OK);
    }
    pthread_mutex_unlock(&lock);
    struct timespec t = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    nanosleep(&t, 0); /* as the driver does; nothing new is told before the next call */
    return TIMEOUT;
}

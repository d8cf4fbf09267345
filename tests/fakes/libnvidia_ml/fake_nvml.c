/* A libnvidia-ml.so.1 whose node is a text file: re-read whenever it changes, so a test steers a running process.
 *
 * $FAKE_NVML_STATE names the file. One statement a line, words split by spaces, '_' in names stands for a space:
 *   driver VERSION                      what nvmlSystemGetDriverVersion says
 *   epoch N                             a changed number is a reloaded driver: open sessions are worth nothing
 *   once 1                              GPUs are counted when a session begins, as a real driver does, and not after
 *   gpu INDEX key=value ...             uuid name total free used reserved util power limit temp ecc mig slots
 *   mig INDEX SLOT key=value ...        uuid name total free used reserved gi
 *   proc INDEX SLOT PID BYTES LIST      SLOT -1 is the GPU itself; LIST is compute, graphics or mps; BYTES - is unknown
 *   err CALL INDEX CODE                 INDEX -1 is every device; CALL * is every call about a device
 *   hang CALL MILLISECONDS              the call sleeps first
 *   xid SERIAL INDEX CODE               an Xid event, told once to a set the GPU is registered with; SERIALs grow
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef unsigned long long u64;
typedef struct { u64 total, free, used; } memory_v1;
typedef struct { unsigned version; u64 total, reserved, free, used; } memory_v2;
typedef struct { unsigned pid; u64 used; unsigned gi, ci; } process_info;
typedef struct { unsigned gpu, memory; } utilization;

enum { GPUS = 16, SLOTS = 8, PROCS = 512, FAULTS = 128 };
enum { OK = 0, UNINITIALIZED = 1, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, SMALL = 7, TIMEOUT = 10, LOST = 15, VERSION = 25 };
static const u64 UNKNOWN_BYTES = ~0ULL;

typedef struct {
    int present, mig, slots, gi;
    char uuid[96], name[96];
    u64 total, free, used, reserved, util, power, limit, temp, ecc;
} device;
typedef struct { int gpu, slot; unsigned pid; u64 bytes; char list[12]; } process;
typedef struct { char call[64]; int gpu; long value; } fault;
typedef struct { long serial; int gpu; u64 code; } xid;
typedef struct { int gpu, slot; } handle;

static struct {
    char driver[64];
    long epoch;
    int gpus, once, procs, errs, hangs, xids;
    device gpu[GPUS], mig[GPUS][SLOTS];
    process proc[PROCS];
    fault err[FAULTS], hang[FAULTS];
    xid xid[FAULTS];
} node;
static handle handles[GPUS][SLOTS + 1];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int sessions, session_gpus;
static long session_epoch;
static struct stat seen;

static void set_key(device *d, char *word) {
    char *value = strchr(word, '=');
    if (!value) return;
    *value++ = 0;
    u64 number = strtoull(value, 0, 10);
    struct { const char *key; u64 *field; } numbers[] = {
        {"total", &d->total}, {"free", &d->free}, {"used", &d->used}, {"reserved", &d->reserved}, {"util", &d->util},
        {"power", &d->power}, {"limit", &d->limit}, {"temp", &d->temp}, {"ecc", &d->ecc},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!strcmp(word, numbers[i].key)) *numbers[i].field = number;
    if (!strcmp(word, "mig")) d->mig = (int)number;
    if (!strcmp(word, "slots")) d->slots = (int)number;
    if (!strcmp(word, "gi")) d->gi = (int)number;
    if (!strcmp(word, "uuid")) snprintf(d->uuid, sizeof d->uuid, "%s", value);
    if (!strcmp(word, "name")) {
        snprintf(d->name, sizeof d->name, "%s", value);
        for (char *c = d->name; *c; c++) if (*c == '_') *c = ' ';
    }
}

static void read_line(char *line) {
    char *words[32], *rest = 0;
    int count = 0;
    for (char *w = strtok_r(line, " \n", &rest); w && count < 32; w = strtok_r(0, " \n", &rest)) words[count++] = w;
    if (count < 2) return;
    int index = atoi(words[1]);
    if (!strcmp(words[0], "driver")) snprintf(node.driver, sizeof node.driver, "%s", words[1]);
    else if (!strcmp(words[0], "epoch")) node.epoch = atol(words[1]);
    else if (!strcmp(words[0], "once")) node.once = index;
    else if (!strcmp(words[0], "gpu") && index >= 0 && index < GPUS) {
        device *d = &node.gpu[index];
        d->present = 1;
        d->slots = SLOTS;
        if (index >= node.gpus) node.gpus = index + 1;
        for (int i = 2; i < count; i++) set_key(d, words[i]);
    } else if (!strcmp(words[0], "mig") && count > 2 && index >= 0 && index < GPUS) {
        int slot = atoi(words[2]);
        if (slot < 0 || slot >= SLOTS) return;
        node.mig[index][slot].present = 1;
        for (int i = 3; i < count; i++) set_key(&node.mig[index][slot], words[i]);
    } else if (!strcmp(words[0], "proc") && count > 5 && node.procs < PROCS) {
        process *p = &node.proc[node.procs++];
        p->gpu = index;
        p->slot = atoi(words[2]);
        p->pid = (unsigned)strtoul(words[3], 0, 10);
        p->bytes = words[4][0] == '-' ? UNKNOWN_BYTES : strtoull(words[4], 0, 10);
        snprintf(p->list, sizeof p->list, "%s", words[5]);
    } else if (!strcmp(words[0], "err") && count > 3 && node.errs < FAULTS) {
        fault *f = &node.err[node.errs++];
        snprintf(f->call, sizeof f->call, "%s", words[1]);
        f->gpu = atoi(words[2]);
        f->value = atol(words[3]);
    } else if (!strcmp(words[0], "xid") && count > 3 && node.xids < FAULTS) {
        node.xid[node.xids++] = (xid){atol(words[1]), atoi(words[2]), strtoull(words[3], 0, 10)};
    } else if (!strcmp(words[0], "hang") && count > 2 && node.hangs < FAULTS) {
        fault *f = &node.hang[node.hangs++];
        snprintf(f->call, sizeof f->call, "%s", words[1]);
        f->value = atol(words[2]);
    }
}

static void reload(void) {
    const char *path = getenv("FAKE_NVML_STATE");
    struct stat now;
    if (!path || stat(path, &now)) return;
    if (now.st_ino == seen.st_ino && now.st_size == seen.st_size && now.st_mtim.tv_sec == seen.st_mtim.tv_sec
        && now.st_mtim.tv_nsec == seen.st_mtim.tv_nsec) return;
    FILE *file = fopen(path, "r");
    if (!file) return;
    seen = now;
    memset(&node, 0, sizeof node);
    char line[1024];
    while (fgets(line, sizeof line, file)) read_line(line);
    fclose(file);
}

/* Every call passes here: reload, sleep where told to, then the injected error or the session's state. */
static int enter(const char *call, const handle *h, int needs_session) {
    pthread_mutex_lock(&lock);
    reload();
    long pause = 0;
    int result = OK;
    for (int i = 0; i < node.hangs; i++) if (!strcmp(node.hang[i].call, call)) pause = node.hang[i].value;
    if (needs_session && (!sessions || session_epoch != node.epoch)) result = UNINITIALIZED;
    for (int i = 0; !result && i < node.errs; i++) {
        int about = !strcmp(node.err[i].call, call) || (h && !strcmp(node.err[i].call, "*"));
        if (about && (node.err[i].gpu == -1 || (h && node.err[i].gpu == h->gpu))) result = (int)node.err[i].value;
    }
    pthread_mutex_unlock(&lock);
    if (pause) {
        struct timespec t = {pause / 1000, pause % 1000 * 1000000};
        nanosleep(&t, 0);
    }
    pthread_mutex_lock(&lock);
    if (!result && h) {
        const device *d = h->slot < 0 ? &node.gpu[h->gpu] : &node.mig[h->gpu][h->slot];
        if (!d->present) result = h->slot < 0 ? LOST : INVALID;
    }
    return result; /* with the lock held: LEAVE releases it */
}
#define LEAVE(value) do { int r_ = (value); pthread_mutex_unlock(&lock); return r_; } while (0)
#define ENTER(h, session) int result = enter(__func__, h, session); if (result) LEAVE(result)

static device *of(const handle *h) { return h->slot < 0 ? &node.gpu[h->gpu] : &node.mig[h->gpu][h->slot]; }

int nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    ENTER(0, 0);
    sessions++;
    session_epoch = node.epoch;
    session_gpus = node.gpus;
    LEAVE(OK);
}
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); } /* programs in Go, which we are compared with */
int nvmlShutdown(void) {
    ENTER(0, 0);
    if (!sessions) LEAVE(UNINITIALIZED);
    sessions--;
    LEAVE(OK);
}
const char *nvmlErrorString(int code) { (void)code; return "an error of the fake driver"; }
int nvmlSystemGetDriverVersion(char *out, unsigned size) {
    ENTER(0, 1);
    snprintf(out, size, "%s", node.driver);
    LEAVE(OK);
}
int nvmlDeviceGetCount_v2(unsigned *out) { ENTER(0, 1); *out = (unsigned)(node.once ? session_gpus : node.gpus); LEAVE(OK); }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, handle **out) {
    if (index >= GPUS) return INVALID;
    handle *h = &handles[index][SLOTS];
    h->gpu = (int)index;
    h->slot = -1;
    ENTER(h, 1);
    *out = h;
    LEAVE(OK);
}
int nvmlDeviceGetName(handle *h, char *out, unsigned size) { ENTER(h, 1); snprintf(out, size, "%s", of(h)->name); LEAVE(OK); }
int nvmlDeviceGetUUID(handle *h, char *out, unsigned size) { ENTER(h, 1); snprintf(out, size, "%s", of(h)->uuid); LEAVE(OK); }
int nvmlDeviceGetMemoryInfo(handle *h, memory_v1 *out) {
    ENTER(h, 1);
    *out = (memory_v1){of(h)->total, of(h)->free, of(h)->used + of(h)->reserved};
    LEAVE(OK);
}
#ifndef NO_MEMORY_V2
int nvmlDeviceGetMemoryInfo_v2(handle *h, memory_v2 *out) {
    ENTER(h, 1);
    if (out->version != (40u | 2u << 24)) LEAVE(VERSION);
    out->total = of(h)->total;
    out->free = of(h)->free;
    out->used = of(h)->used;
    out->reserved = of(h)->reserved;
    LEAVE(OK);
}
#endif
static int list(const handle *h, const char *name, unsigned *count, process_info *out) {
    unsigned found = 0, room = *count;
    for (int i = 0; i < node.procs; i++) {
        const process *p = &node.proc[i];
        if (p->gpu != h->gpu || p->slot != h->slot || strcmp(p->list, name)) continue;
        if (out && found < room) out[found] = (process_info){p->pid, p->bytes, ~0u, ~0u};
        found++;
    }
    *count = found;
    return found > room ? SMALL : OK;
}
int nvmlDeviceGetComputeRunningProcesses_v3(handle *h, unsigned *n, process_info *out) { ENTER(h, 1); LEAVE(list(h, "compute", n, out)); }
int nvmlDeviceGetGraphicsRunningProcesses_v3(handle *h, unsigned *n, process_info *out) { ENTER(h, 1); LEAVE(list(h, "graphics", n, out)); }
int nvmlDeviceGetMPSComputeRunningProcesses_v3(handle *h, unsigned *n, process_info *out) { ENTER(h, 1); LEAVE(list(h, "mps", n, out)); }
int nvmlDeviceGetMigMode(handle *h, unsigned *current, unsigned *pending) {
    ENTER(h, 1);
    *current = *pending = (unsigned)of(h)->mig;
    LEAVE(OK);
}
int nvmlDeviceGetMaxMigDeviceCount(handle *h, unsigned *out) { ENTER(h, 1); *out = (unsigned)of(h)->slots; LEAVE(OK); }
int nvmlDeviceGetMigDeviceHandleByIndex(handle *h, unsigned slot, handle **out) {
    ENTER(h, 1);
    if (slot >= SLOTS || !node.mig[h->gpu][slot].present) LEAVE(NOT_FOUND);
    handle *instance = &handles[h->gpu][slot];
    instance->gpu = h->gpu;
    instance->slot = (int)slot;
    *out = instance;
    LEAVE(OK);
}
int nvmlDeviceGetGpuInstanceId(handle *h, unsigned *out) { ENTER(h, 1); *out = (unsigned)of(h)->gi; LEAVE(OK); }
int nvmlDeviceGetUtilizationRates(handle *h, utilization *out) { ENTER(h, 1); *out = (utilization){(unsigned)of(h)->util, 0}; LEAVE(OK); }
int nvmlDeviceGetPowerUsage(handle *h, unsigned *out) { ENTER(h, 1); *out = (unsigned)of(h)->power; LEAVE(OK); }
int nvmlDeviceGetEnforcedPowerLimit(handle *h, unsigned *out) { ENTER(h, 1); *out = (unsigned)of(h)->limit; LEAVE(OK); }
int nvmlDeviceGetTemperature(handle *h, unsigned sensor, unsigned *out) { (void)sensor; ENTER(h, 1); *out = (unsigned)of(h)->temp; LEAVE(OK); }
int nvmlDeviceGetTotalEccErrors(handle *h, unsigned type, unsigned counter, u64 *out) { (void)type; (void)counter; ENTER(h, 1); *out = of(h)->ecc; LEAVE(OK); }
#include "fake_events.h"

# layers.awk - who may include and call what. Reads C source; prints `file:line: what is wrong` for each breach.
#
# FOLDER decides: ringbuf, conf, stages (and its parts), daemon, tests. See the table in the top README.

BEGIN {
	libc = "assert|ctype|dirent|elf|endian|errno|fcntl|float|fnmatch|ftw|getopt|glob|inttypes|langinfo|libgen|limits|arpa/inet|netdb|netinet/[a-z]+"
	libc = libc "|locale|math|poll|pthread|pwd|sched|semaphore|signal|spawn|stdalign|stdarg|stdatomic|stdbool|stdckdint"
	libc = libc "|stddef|stdint|stdio|stdio_ext|stdlib|stdnoreturn|string|strings|syscall|termios|threads|time|uchar"
	libc = libc "|unistd|wchar|cpuid|[a-z]*mmintrin|immintrin|x86intrin|sys/[a-z_]+|linux/[a-z_0-9]+|sanitizer/[a-z_]+"
	libc = "^(" libc ")[.]h$"

	# What a stage gets from its env instead.
	world = "clock_gettime clock_nanosleep gettimeofday time nanosleep usleep sleep alarm timer_create timerfd_create"
	world = world " rand rand_r srand random srandom drand48 getrandom getentropy arc4random"
	world = world " open openat openat2 creat read pread readv preadv write pwrite writev pwritev fsync fdatasync"
	world = world " close dup dup2 dup3 pipe pipe2 fcntl ioctl lseek ftruncate truncate fallocate sendfile splice"
	world = world " copy_file_range stat lstat fstat fstatat statx access faccessat rename renameat renameat2 unlink"
	world = world " unlinkat mkdir mkdirat rmdir link symlink readlink realpath chmod chown opendir fdopendir readdir"
	world = world " scandir glob ftw nftw fopen fdopen freopen tmpfile mkstemp popen"
	world = world " poll ppoll select pselect epoll_create1 epoll_ctl epoll_wait inotify_init inotify_init1"
	world = world " inotify_add_watch eventfd socket accept accept4 getsockopt setsockopt getsockname getpeername"
	world = world " recv recvfrom recvmsg recvmmsg sendto sendmsg sendmmsg getaddrinfo gethostbyname"
	world = world " waitpid waitid prctl execvpe clone"
	world = world " fork vfork execv execve execvp posix_spawn system syscall kill raise signal sigaction"
	world = world " pthread_create pthread_join pthread_mutex_lock pthread_cond_wait pthread_once thrd_create mtx_lock"
	world = world " sched_yield printf puts putchar perror vprintf syslog getenv secure_getenv exit _exit quick_exit"
	banned = "strcpy strcat strncpy strncat sprintf vsprintf gets strtok strtok_r atoi atol atoll atof alloca"
	banned = banned " gmtime localtime ctime asctime tmpnam mktemp"
	clocks = "clock_gettime gettimeofday time nanosleep usleep sleep rand srand random getrandom"
	threads = "pthread_create thrd_create fork"
	fill(stage_headers, defines_stage) # from layers.sh: headers whose .c defines a stage
	fill(world, is_world)
	fill(banned, is_banned)
	fill(clocks, is_clock)
	fill(threads, is_thread)
}

function fill(words, set,    list, n, i) {
	n = split(words, list, " ")
	for (i = 1; i <= n; i++)
		set[list[i]] = 1
}

function breach(what) {
	print file ":" FNR ": " what
	breaches++
}

# The line without comments and what stands in quotes. in_comment lives from line to line.
function code_of(line,    out, at, mark) {
	out = ""
	for (;;) {
		if (in_comment) {
			at = index(line, "*/")
			if (!at)
				return out
			line = substr(line, at + 2)
			in_comment = 0
		}
		if (!match(line, /\/\*|\/\/|["']/))
			return out line
		mark = substr(line, RSTART, RLENGTH)
		out = out substr(line, 1, RSTART - 1)
		line = substr(line, RSTART + RLENGTH)
		if (mark == "//")
			return out
		if (mark == "/*") {
			in_comment = 1
			continue
		}
		out = out mark mark
		while (line != "" && substr(line, 1, 1) != mark)
			line = substr(line, substr(line, 1, 1) == "\\" ? 3 : 2)
		line = substr(line, 2)
	}
}

function base(path) {
	sub(/.*\//, "", path)
	sub(/[.][ch]$/, "", path)
	return path
}

function check_own(include) {
	if (include ~ /^tests\// && folder != "tests")
		breach("nothing includes tests/")
	else if (folder == "ringbuf" && include !~ /^ringbuf\//)
		breach("ringbuf/ includes only libc and ringbuf/, not " include)
	else if (folder == "conf" && include !~ /^conf\//)
		breach("conf/ includes only libc, libyaml and conf/, not " include)
	else if (folder == "stages" && include !~ /^(ringbuf|conf|stages)\//)
		breach("stages/ includes ringbuf/, conf/ and stages/, not " include)
	else if (include ~ /^stages\/(source|transform|sink)\// && folder == "stages")
		check_stage(include)
	if (include !~ /\//)
		breach("an include names its folder: " include)
}

# What belongs to one kind of stage is that kind's; what describes one stage (it has a struct stage_type) is its own.
function check_stage(include,    kind) {
	kind = include
	sub(/\/[^\/]*$/, "", kind)
	if (index(file, kind "/") != 1)
		breach("a stage never includes another stage: " include)
	else if ((include in defines_stage) && base(include) != base(file))
		breach("a stage never includes another stage: " include)
}

function check_system(include) {
	if (include ~ libc) {
		if (include ~ /^(stdatomic|threads)[.]h$/ && folder != "ringbuf" && folder != "tests")
			breach("atomics live in ringbuf/")
		if (include == "pthread.h" && folder == "stages")
			breach("a stage starts no threads and takes no locks: it has its env")
	} else if (folder == "ringbuf")
		breach("ringbuf/ includes only libc and ringbuf/, not <" include ">")
	else if (folder == "conf" && include != "yaml.h")
		breach("conf/ includes only libc, libyaml and conf/, not <" include ">")
	else if (folder == "stages" && include == "liburing.h")
		breach("a stage reaches the kernel through stages/io.h, not <" include ">")
}

function check_call(name) {
	if (name in is_banned)
		breach(name "() is banned: it cannot be used safely, or hides errors")
	else if (folder == "stages" && (name in is_world))
		breach(name "() below daemon/: a stage goes through its env")
	else if (folder == "conf" && ((name in is_clock) || (name in is_thread)))
		breach(name "() in conf/: it reads its files and nothing else of the world")
	else if (folder == "ringbuf" && (name in is_thread))
		breach(name "() in ringbuf/: threads are the caller's")
	else if (name ~ /^atomic_(load|store|exchange|fetch_[a-z]+|compare_exchange_(weak|strong))$/)
		breach(name "() without an order: say _explicit")
}

function check_names(code,    name, before) {
	while (match(code, /[A-Za-z_][A-Za-z_0-9]*/)) {
		name = substr(code, RSTART, RLENGTH)
		before = RSTART > 1 ? substr(code, RSTART - 1, 1) : " "
		code = substr(code, RSTART + RLENGTH)
		if (folder != "ringbuf" && name ~ /^(_Atomic|__atomic_.*|__sync_.*|atomic_(load|store|exchange|fetch|init|compare|thread|signal).*)$/)
			breach("atomics live in ringbuf/: " name)
		else if (before !~ /[.>]/ && code ~ /^ *[(]/)
			check_call(name)
	}
}

FNR == 1 {
	file = FILENAME
	sub(/^[.]\//, "", file)
	folder = file
	sub(/\/.*/, "", folder)
	in_comment = 0
}

/^[ \t]*#[ \t]*include[ \t]*"/ && !in_comment {
	split($0, quoted, "\"")
	check_own(quoted[2])
	next
}

/^[ \t]*#[ \t]*include[ \t]*</ && !in_comment {
	system_header = $0
	sub(/^[^<]*</, "", system_header)
	sub(/>.*/, "", system_header)
	check_system(system_header)
	next
}

folder != "tests" {
	code = code_of($0)
	check_names(code)
	if (code ~ /^[ \t]*typedef[ \t]+(struct|union)/)
		breach("no typedef hides a struct")
}

END {
	exit breaches > 0
}

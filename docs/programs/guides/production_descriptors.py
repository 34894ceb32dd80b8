import resource

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
raised, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
print("as many descriptors as the system allows:", raised == hard, raised >= soft)

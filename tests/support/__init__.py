"""What tests share: waiting, processes, a broker, a proxy that cuts lines, a whole house."""
